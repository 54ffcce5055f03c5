#include "master/resize_policy.h"

#include <algorithm>

namespace pythonfilter {

int ResizePolicy::grow(const Load& load, TimePoint now) {
    if (load.waiting == 0 || now - load.since < kQueueWait) return 0;
    const int to_come = std::max(size_ - load.serving, 0);  // they start, or wait for their turn after a failure
    const int more = std::min({load.waiting - to_come, kAtOnce - to_come, bounds_.max - size_});
    if (more <= 0) return 0;
    if (shrunk_ && now - *shrunk_ < bounds_.idle * kSoon) patience_ = std::min(2 * patience_, kMaxPatience);
    shrunk_.reset();
    grown_ = now;
    size_ += more;
    return more;
}

bool ResizePolicy::shrink(TimePoint idle_since, TimePoint now) {
    if (!can_shrink() || now - idle_since < patience()) return false;
    if (grown_ && now - *grown_ >= bounds_.idle * kSoon) patience_ = std::max(patience_ / 2, 1);
    shrunk_ = now;
    --size_;
    return true;
}

}  // namespace pythonfilter
