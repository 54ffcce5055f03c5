#include "worker/growth.h"

#include <algorithm>

namespace pythonfilter {

void Growth::begin(long count, long limit) {
    begin_ = high_ = count;
    limit_ = limit;
}

bool Growth::note(long count, int messages, const Suspects& suspects) {
    const long rise = count - high_;
    if (rise <= 0) return false;
    Part& part = parts_[suspects.text()];
    part.is_clear = suspects.clear();
    part.count += rise;
    high_ = count;
    steps_ += std::min<long>(rise, messages);  // at most one for each message
    return true;
}

bool Growth::leaks() const {
    const long room = limit_ - begin_;
    const bool goes_on = steps_ >= kSteps && growth() > std::min(kAllowed, room / 2);
    return goes_on || growth() > room * 3 / 4;
}

const std::string& Growth::culprit() const {
    static const std::string nobody;
    const auto most = std::max_element(parts_.begin(), parts_.end(), [](const auto& a, const auto& b) {
        return weight(a.second) < weight(b.second);
    });
    return most == parts_.end() ? nobody : most->first;
}

}  // namespace pythonfilter
