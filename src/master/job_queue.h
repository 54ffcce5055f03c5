// JobQueue: the jobs of a pool that wait for a worker, first come first served. A job whose client has hung up or whose
// budget is over is answered here and never reaches a worker. Used by the pool, and by the entrance.
#pragma once

#include "master/job.h"
#include "master/loop.h"
#include "master/pool_gauges.h"

#include <deque>
#include <optional>

namespace pythonfilter {

class JobQueue {
public:
    JobQueue(Loop& loop, PoolGauges& gauge) : gauge_(gauge), to_expire_(loop, [this] { expire(); }) {}

    void push_back(Job job);
    /// For a job that had its turn and lost it without a fault of its own.
    void push_front(Job job);
    /// The next job whose client still waits and whose time is not over.
    std::optional<Job> next();
    /// All that wait now come back.
    void answer_all(JobResult::Kind kind);
    bool empty() const { return jobs_.empty(); }
    int size() const { return static_cast<int>(jobs_.size()); }
    /// Of the first one. Only while not empty.
    TimePoint waits_since() const { return jobs_.front().queued_at; }

    /// A job that reached no worker comes back.
    static void answer(Job job, JobResult::Kind kind);

private:
    void added();
    Job take();
    static std::optional<JobResult::Kind> fate(const Job& job, TimePoint now);
    void expire();

    PoolGauges& gauge_;
    std::deque<Job> jobs_;
    Timer to_expire_;  // active while jobs wait
};

}  // namespace pythonfilter
