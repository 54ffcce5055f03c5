#include "master/respawn_policy.h"

#include <algorithm>

namespace pythonfilter {

void RespawnPolicy::started(TimePoint) { ready_since_.reset(); }

void RespawnPolicy::became_ready(TimePoint now) { ready_since_ = now; }

Duration RespawnPolicy::died(TimePoint now) {
    if (!ready_since_) return back_off();
    if (now - *ready_since_ >= calm_) reset();
    ready_since_.reset();
    if (quick_deaths_ < kFreeReplacements) {
        ++quick_deaths_;
        return Duration::zero();
    }
    return back_off();
}

void RespawnPolicy::reset() {
    ready_since_.reset();
    delay_ = Duration::zero();
    quick_deaths_ = 0;
}

Duration RespawnPolicy::back_off() {
    delay_ = delay_ == Duration::zero() ? kFirstDelay : std::min(delay_ * 2, kMaxDelay);
    return delay_;
}

}  // namespace pythonfilter
