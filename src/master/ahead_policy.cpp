#include "master/ahead_policy.h"

namespace pythonfilter {

void AheadPolicy::served(Duration time) { mean_ += (time - mean_) / kWeight; }

bool AheadPolicy::takes(std::size_t sent) const {
    if (sent <= 1) return answers_in_time();
    return sent < kMostTasks && mean_ * (sent + 1) <= kMostWork;
}

}  // namespace pythonfilter
