#include "worker/look_policy.h"

namespace pythonfilter {

void LookPolicy::message_began(Duration pause) {
    paused_ = pause >= kPause;
    ++messages_;
    if (watched_ > 0) --watched_;
}

bool LookPolicy::filter_ran(Duration wall) {
    work_ += wall;
    return paused_ || watched_ > 0 || work_ >= kWork || messages_ >= kMessages;
}

void LookPolicy::looked() {
    work_ = {};
    messages_ = 0;
}

}  // namespace pythonfilter
