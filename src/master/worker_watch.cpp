#include "master/worker_watch.h"

#include <utility>

namespace pythonfilter {

WorkerWatch::WorkerWatch(Loop& loop, WatchLimits limits, Callbacks callbacks)
    : policy_(limits), callbacks_(std::move(callbacks)), to_look_(loop, [this] { look(); }) {}

void WorkerWatch::ready(pid_t pid) {
    constexpr int kMost = 1000;  // of init_filter: what is above that counts as the message's
    pid_ = pid;
    policy_.ready(measure_tree(pid, kMost, kMost));
}

void WorkerWatch::job_began(TimePoint now) {
    policy_.job_began(now);
    arm();
}

// The timer stays: under load one look that comes for nothing costs less than two changes of it for each message.
void WorkerWatch::job_ended(bool left_children) {
    policy_.job_ended(Clock::now(), left_children);
    if (left_children) arm();
}

void WorkerWatch::look() {
    armed_ = TimePoint::max();
    const TimePoint now = Clock::now();
    std::optional<Excess> excess;
    if (now >= policy_.next_count())
        excess = policy_.counted(measure_tree(pid_, policy_.most_processes(), policy_.most_threads()), now);
    const bool slow = policy_.asks_slow() && policy_.is_slow(callbacks_.slow_time(), now);
    arm();
    if (excess) callbacks_.on_excess(std::move(*excess));
    else if (slow) callbacks_.on_slow();
}

void WorkerWatch::arm() {
    TimePoint next = policy_.next_count();
    if (policy_.asks_slow()) next = std::min(next, policy_.next_slow(callbacks_.slow_time(), Clock::now()));
    if (next >= armed_) return;
    armed_ = next;
    to_look_.start_at(next);
}

}  // namespace pythonfilter
