#include "master/worker_watch.h"

#include "message/zygote_protocol.h"

#include <sys/resource.h>
#include <utility>

namespace pythonfilter {

WorkerWatch::WorkerWatch(Loop& loop, WatchLimits limits, UniqueFd gate, Callbacks callbacks)
    : policy_(limits),
      callbacks_(std::move(callbacks)),
      to_look_(loop, [this] { look(); }),
      gate_(loop, std::move(gate), [this](Creation kind) { return turn_of(kind); }) {}

void WorkerWatch::started(pid_t pid, Duration fork_took) {
    pid_ = pid;
    policy_.started(fork_took);
    gate_.open();
}

void WorkerWatch::ready() {
    policy_.ready(measure_tree(pid_, WatchPolicy::kMostOfInit, WatchPolicy::kMostOfInit));
}

void WorkerWatch::stop() {
    to_look_.stop();
    gate_.freeze();
}

void WorkerWatch::job_began(TimePoint now) {
    policy_.job_began(now);
    arm();
}

void WorkerWatch::job_ended(bool left_children) {
    policy_.job_ended(Clock::now(), left_children);
    if (left_children) arm();
}

std::optional<Excess> WorkerWatch::count(TimePoint now) {
    const TreeUsage usage = measure_tree(pid_, policy_.most_processes(), policy_.most_threads());
    auto excess = policy_.counted(usage, now, Clock::now() - now);
    if (policy_.crowded()) {
        // By numbers that were read a moment ago; at worst another program of the same user stands back.
        for (const pid_t pid : usage.below) setpriority(PRIO_PROCESS, static_cast<id_t>(pid), SlowOrder::kNice);
    }
    return excess;
}

std::optional<TimePoint> WorkerWatch::turn_of(Creation kind) {
    const TimePoint now = Clock::now();
    if (policy_.takes(kind)) return policy_.turn_of(kind, now);
    std::optional<Excess> excess = count(now);
    arm();
    const bool takes = policy_.takes(kind);  // also when it is the CPU time: only a worker that runs shows where it is
    if (!takes && !excess) excess = policy_.no_room(kind);
    if (excess) callbacks_.on_excess(std::move(*excess));
    return takes ? std::optional(policy_.turn_of(kind, now)) : std::nullopt;
}

void WorkerWatch::look() {
    const TimePoint now = Clock::now();
    std::optional<Excess> excess;
    if (now >= policy_.next_count()) excess = count(now);
    const bool slow = policy_.asks_slow() && policy_.is_slow(callbacks_.slow_time(), now);
    arm();
    if (excess) callbacks_.on_excess(std::move(*excess));
    else if (slow) callbacks_.on_slow();
}

void WorkerWatch::arm() {
    TimePoint next = policy_.next_count();
    if (policy_.asks_slow()) next = std::min(next, policy_.next_slow(callbacks_.slow_time(), Clock::now()));
    to_look_.by(next);
}

}  // namespace pythonfilter
