// The part of Pool that starts more workers while messages wait, and ends those that are not needed (resize_policy.h
// says when).
#include "config/option_text.h"
#include "master/pool.h"

#include <algorithm>

namespace pythonfilter {
namespace {

constexpr Duration kShrinkStep = 1s;  // between two workers that leave

}  // namespace

void Pool::queued() {
    if (!to_grow_.active()) to_grow_.start(ResizePolicy::kQueueWait);
}

void Pool::look_at_queue() {
    if (queue_.empty() || state_ != State::serving) return;
    const TimePoint now = Clock::now();
    if (resize_.grow({count_serving(), queue_.size(), queue_.waits_since()}, now) > 0) {
        report_(LogLevel::info, "pool " + options_.name + ": messages wait, grows to " +
                                    std::to_string(resize_.size()) + " workers");
        fill();
        if (!to_shrink_.active()) to_shrink_.start(resize_.patience());
    }
    queued();
}

// The first of idle_ was used longest ago.
void Pool::look_at_idle() {
    if (state_ == State::stopping) return;
    const auto is_idle = [](const WorkerSlot* slot) { return slot->state() == WorkerSlot::State::idle; };
    const auto found = std::find_if(idle_.begin(), idle_.end(), is_idle);
    const TimePoint now = Clock::now();
    TimePoint next = now + resize_.patience();
    if (found != idle_.end()) {
        WorkerSlot& slot = **found;
        next = std::max(now + kShrinkStep, slot.state_since() + resize_.patience());
        if (recycled_ == 0 && resize_.shrink(slot.state_since(), now)) shrink(slot);
    }
    if (resize_.can_shrink()) to_shrink_.start_at(next);
}

// When workers are missing anyway, none needs to leave.
void Pool::shrink(WorkerSlot& slot) {
    report_(LogLevel::info, "pool " + options_.name + ": a worker had nothing to do for " +
                                format_duration(resize_.patience()) + ", shrinks to " + std::to_string(resize_.size()));
    if (count_serving() <= resize_.size()) return;
    std::erase(idle_, &slot);
    dismiss(slot);
}

}  // namespace pythonfilter
