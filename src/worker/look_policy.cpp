#include "worker/look_policy.h"

namespace pythonfilter {

void LookPolicy::message_began(Duration pause) {
    paused_ = pause >= kPause;
    if (std::exchange(brief_, true)) share_ -= std::min(share_, kShare - kBriefShare);
    share_ += kShare;
    ++unasked_;
    if (watched_ > 0) --watched_;
}

bool LookPolicy::filter_ran(Duration wall, bool brief) {
    work_ += wall;
    brief_ = brief_ && brief;
    return paused_ || watched_ > 0 || work_ >= kWork || share_ >= kMessages * kShare;
}

void LookPolicy::looked() {
    work_ = {};
    share_ = 0;
}

}  // namespace pythonfilter
