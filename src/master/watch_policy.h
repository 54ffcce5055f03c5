// WatchPolicy: when the master looks at a worker that runs a message, and what is too much: CPU time, processes,
// threads, and a filter that takes long. Pure: times and counts are arguments. Used by worker_watch.
//
// A look reads files of /proc, so a message that ends before the first one costs nothing. Where the kernel asks before
// each process and thread (fork_gate.h), those since the last look are added to what it found, and a look comes when
// the sum reaches a limit: nothing grows past it by more than a quarter. Else a fork bomb has time for a few hundred
// processes between looks; while many grow more, looks come faster, but take at most an eighth of the master's time.
// A filter may return and leave a bomb behind: the worker says that something is left, which is believed when it is
// yes; a worker that lies gets a look of its own once a second.
//
// Long before the limit a bomb has the machine busy. With more than a few processes (kFew, or a sixteenth of
// limits.children) a worker is crowded: those below it stand back for others, and more come one by one. Standing back
// is not enough: where the kernel groups processes by session, each daemon has the share of a group. All that is for a
// machine on which a fork takes less than 0.6 ms; on one that needs more, as a virtual machine may, fewer make a crowd,
// and they come slower.
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

/// What a worker, or a process below it, is about to make.
enum class Creation { process, thread };

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
    static constexpr int kShare = 8;          // the next look: so many times later as this one took
    static constexpr int kFew = 8;
    static constexpr Duration kPace = 5ms;    // between two processes of a worker that is crowded
    static constexpr Duration kFork = 300us;  // that one is compared with: twice of it is slow
    static constexpr int kSlowest = 4;        // times slower
    static constexpr int kMostOfInit = 1000;  // processes, and threads; what is above counts as the messages'

    explicit WatchPolicy(WatchLimits limits);

    /// The worker itself was forked, and that took so long.
    void started(Duration fork_took);
    /// The worker is ready: what its init_filter left running is not counted. Before this, as if it were kMostOfInit.
    void ready(const TreeUsage& usage);
    void job_began(TimePoint now);
    void job_ended(TimePoint now, bool left_children);

    /// When to count; TimePoint::max() when there is nothing to watch.
    TimePoint next_count() const;
    /// The most that is worth counting.
    int most_processes() const { return base_.processes + limits_.children; }
    int most_threads() const { return base_.threads + limits_.threads; }
    /// `took`: so long nobody else was served.
    std::optional<Excess> counted(const TreeUsage& usage, TimePoint now, Duration took = Duration(0));

    /// One more of these. False: it must not be made before a look; when there is no room after it either, no_room()
    /// says what is too much.
    bool takes(Creation kind);
    Excess no_room(Creation kind) const;
    /// When the one that was taken is to be made.
    TimePoint turn_of(Creation kind, TimePoint now);
    /// At the last look.
    bool crowded() const { return crowded_; }

    /// A filter that takes long is to be told of: once in a job.
    bool asks_slow() const { return running_ && !told_slow_ && limits_.slow_after != Duration(0); }
    /// When to ask again, for a filter that is slow by `slow_time`.
    TimePoint next_slow(TimePoint slow_time, TimePoint now) const;
    /// True when the time has come; then it is told.
    bool is_slow(TimePoint slow_time, TimePoint now);
    Duration slow_after() const { return limits_.slow_after; }

private:
    Duration pause() const;
    void make_room(const TreeUsage& usage);

    WatchLimits limits_;
    TreeUsage base_{kMostOfInit, kMostOfInit, {}};
    int room_for_processes_ = 0, room_for_threads_ = 0;  // until the next look; never below 0
    bool running_ = false;          // a job
    bool told_slow_ = false;        // in this job
    bool left_ = false;             // processes, when the last job ended, or at the last count since
    bool unseen_ = false;           // jobs have begun since the last count
    bool grew_ = false;             // more than at the one before
    bool crowded_ = false;
    int slowness_ = 1;              // of forks
    TimePoint last_turn_{};         // of a process, while crowded
    int last_processes_ = 0;
    TimePoint began_{}, ended_{};   // the last job
    TimePoint counted_{};           // the last time
    Duration took_{};               // the last count
    TimePoint unseen_since_{};      // while unseen_
    std::optional<Duration> cpu_base_;  // at the first count in this job
    Duration cpu_used_{};           // since then; only grows: what ends unseen takes its time with it
};

}  // namespace pythonfilter
