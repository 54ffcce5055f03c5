// WorkerWatch: looks at a worker at the moments that watch_policy.h names: counts its processes, threads and CPU time
// in /proc, and sees when a filter takes long. It opens the worker's ForkGate to those that the policy has room for,
// and makes the processes below a crowded worker stand back.
// Reports upward; what is done about it is the slot's business. Owned by worker_slot.
#pragma once

#include "master/fork_gate.h"
#include "master/loop.h"
#include "master/watch_policy.h"

#include <functional>
#include <sys/types.h>

namespace pythonfilter {

class WorkerWatch {
public:
    struct Callbacks {
        std::function<TimePoint()> slow_time;   // of the filter that runs; asked only while a job runs
        std::function<void()> on_slow;          // once in a job
        std::function<void(Excess)> on_excess;  // the worker must die; may be called again while it lives
    };

    /// `gate`: see ForkGate.
    WorkerWatch(Loop& loop, WatchLimits limits, UniqueFd gate, Callbacks callbacks);

    /// `fork_took`: that of the worker itself.
    void started(pid_t pid, Duration fork_took);
    void ready();
    void job_began(TimePoint now);
    void job_ended(bool left_children);
    /// Nothing below the worker can start a process or a thread any more.
    void stop();
    Duration slow_after() const { return policy_.slow_after(); }

private:
    std::optional<Excess> count(TimePoint now);
    void look();
    std::optional<TimePoint> turn_of(Creation kind);
    void arm();

    WatchPolicy policy_;
    Callbacks callbacks_;
    pid_t pid_ = 0;
    Alarm to_look_;
    ForkGate gate_;
};

}  // namespace pythonfilter
