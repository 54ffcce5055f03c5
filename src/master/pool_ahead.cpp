// The part of Pool that puts jobs into the pipes of busy workers (ahead_policy.h says how many), and takes them back
// from behind one that takes long, or for a worker that has nothing to do. Who has been sent tasks ahead need not tell
// of each answer at once (worker/master_link.h): the timer that takes tasks back finds them.
#include "master/pool.h"

#include <algorithm>

namespace pythonfilter {

// The worker with the fewest. None that is to be replaced.
WorkerSlot* Pool::find_least_ahead(TimePoint now) {
    WorkerSlot* least = nullptr;
    for (const auto& slot : slots_) {
        const bool takes = slot->takes_ahead(now) && slot->id() != recycled_;
        if (takes && (!least || slot->jobs() < least->jobs())) least = slot.get();
    }
    return least;
}

// Another worker is not woken up for what the one that was used last begins as soon.
WorkerSlot* Pool::take_free(TimePoint now) {
    const bool has_two = !idle_.empty() && last_used_ && last_used_->id() != recycled_;
    return has_two && last_used_->keeps_together(now) ? last_used_ : take_idle();
}

void Pool::watch_ahead() {
    if (!to_take_back_.active()) to_take_back_.start(AheadPolicy::kTakeBack);
}

// Once for all that one round of events has left waiting.
void Pool::send_ahead() {
    if (queue_.empty() || state_ != State::serving) return;
    const TimePoint now = Clock::now();
    std::vector<WorkerSlot*> given;
    while (WorkerSlot* slot = find_least_ahead(now)) {
        auto job = queue_.next();
        if (!job) break;
        ++job->attempts;
        slot->add_ahead(std::move(*job));
        given.push_back(slot);
    }
    for (WorkerSlot* slot : given) slot->send_ahead();
    if (!given.empty()) loop_.may_sleep();  // more messages than workers: the processors have enough to do
    if (!given.empty()) watch_ahead();
}

// What lies behind a job that takes long goes to another worker, or back into the queue; and what the worker had done
// before it, without waking the master, is heard. Meanwhile workers may come and go.
void Pool::look_at_ahead() {
    const TimePoint now = Clock::now();
    std::vector<WorkerSlot*> late;
    for (const auto& slot : slots_) {
        const bool waits = slot->state() != WorkerSlot::State::busy || slot->takes_long(now);
        if (slot->has_ahead() && waits) late.push_back(slot.get());
    }
    for (WorkerSlot* slot : late) slot->take_back();
    if (std::any_of(slots_.begin(), slots_.end(), [](const auto& slot) { return slot->has_ahead(); })) watch_ahead();
}

// For a worker that has nothing to do. Of the worker with the most tasks.
void Pool::take_over() {
    WorkerSlot* most = nullptr;
    for (const auto& slot : slots_) {
        if (slot->gives_away() && (!most || slot->jobs() > most->jobs())) most = slot.get();
    }
    if (most) most->take_back();
}

// Still in order, ahead of the queue; it does not count as an attempt.
void Pool::taken_back(std::vector<Job> jobs) {
    for (auto job = jobs.rbegin(); job != jobs.rend(); ++job) {
        --job->attempts;
        put_back(std::move(*job));
    }
    dispatch_waiting();
}

}  // namespace pythonfilter
