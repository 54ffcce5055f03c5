// WatchPolicy: when the master looks at a worker that runs a message, and what is too much: CPU time, processes,
// threads, and a filter that takes long. Pure: times and counts are arguments. Used by worker_watch.
//
// A look reads files of /proc, so a message that ends before the first one costs nothing. Between looks a fork bomb has
// time for a few hundred processes on two cores; once processes are many, looks come faster. A filter may return and
// leave a bomb behind: the worker says that something is left, which is believed when it is yes; a worker that lies
// gets a look of its own once a second.
#pragma once

#include "base/clock.h"
#include "base/process_tree.h"
#include "config/policy.h"

#include <optional>
#include <string>

namespace pythonfilter {

/// What a worker may use while it runs one message.
struct WatchLimits {
    Duration slow_after{};  // of one filter; 0: never
    std::optional<Duration> cpu;
    int children = 0;
    int threads = 0;
};

struct Excess {
    FailureEvent event = FailureEvent::crash;  // or timeout
    std::string reason;
};

class WatchPolicy {
public:
    static constexpr Duration kFirst = 50ms;
    static constexpr Duration kNext = 100ms;
    static constexpr Duration kHurry = 10ms;
    static constexpr Duration kRare = 1s;

    explicit WatchPolicy(WatchLimits limits) : limits_(limits) {}

    /// The worker is ready: what its init_filter left running is not counted.
    void ready(const TreeUsage& usage) { base_ = usage; }
    void job_began(TimePoint now);
    void job_ended(TimePoint now, bool left_children);

    /// When to count; TimePoint::max() when there is nothing to watch.
    TimePoint next_count() const;
    /// The most that is worth counting.
    int most_processes() const { return base_.processes + limits_.children; }
    int most_threads() const { return base_.threads + limits_.threads; }
    std::optional<Excess> counted(const TreeUsage& usage, TimePoint now);

    /// A filter that takes long is to be told of: once in a job.
    bool asks_slow() const { return running_ && !told_slow_ && limits_.slow_after != Duration(0); }
    /// When to ask again, for a filter that is slow by `slow_time`.
    TimePoint next_slow(TimePoint slow_time, TimePoint now) const;
    /// True when the time has come; then it is told.
    bool is_slow(TimePoint slow_time, TimePoint now);
    Duration slow_after() const { return limits_.slow_after; }

private:
    Duration pause() const;

    WatchLimits limits_;
    TreeUsage base_;
    bool running_ = false;          // a job
    bool told_slow_ = false;        // in this job
    bool left_ = false;             // processes, when the last job ended, or at the last count since
    bool unseen_ = false;           // jobs have begun since the last count
    bool hurry_ = false;            // many processes at the last count
    bool grew_ = false;             // more than at the one before
    int last_processes_ = 0;
    TimePoint began_{}, ended_{};   // the last job
    TimePoint counted_{};           // the last time
    TimePoint unseen_since_{};      // while unseen_
    std::optional<Duration> cpu_base_;  // at the first count in this job
    Duration cpu_used_{};           // since then; only grows: what ends unseen takes its time with it
};

}  // namespace pythonfilter
