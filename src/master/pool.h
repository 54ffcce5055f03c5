// A pool: the workers of one zygote at a time (zygote_keeper.h), and the jobs that wait for one of them. It decides who
// gets which job and when a worker is started again (respawn_policy.h says how soon); a job's result goes straight to
// whoever gave it. A failing pool answers `unavailable` at once and never stops another. Parts of it are in
// pool_ahead.cpp, pool_recycling.cpp, pool_resizing.cpp and pool_status.cpp.
#pragma once

#include "master/job_queue.h"
#include "master/pool_history.h"
#include "master/recycle_policy.h"
#include "master/reporter.h"
#include "master/resize_policy.h"
#include "master/start_report.h"
#include "master/worker_numbers.h"
#include "master/worker_slot.h"
#include "master/zygote_keeper.h"
#include "message/server_status.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

namespace pythonfilter {

class Pool {
public:
    struct Options {
        std::string name;
        PoolSize size;
        RecycleConfig recycle;
        bool exclusive = false;  // never two workers at once; `size` is 1
        Duration start_timeout{};
        WatchLimits watch;
        ZygoteKeeper::Options zygote;
    };
    struct Callbacks {
        /// Once: `min` workers are ready (no problems), or this is why not.
        std::function<void(std::vector<std::string> problems)> on_settled;
        /// Orphans of workers may have come to the master.
        std::function<void()> on_zygote_dead;
        /// Asked by an exclusive pool before it starts a zygote: false while processes are left that a dead one left.
        std::function<bool()> no_orphans;
        /// After stop(): every process of the pool is gone.
        std::function<void()> on_empty;
    };

    Pool(Loop& loop, Options options, PoolGauges& gauge, Reporter report, Callbacks callbacks);

    void start() { keeper_.start(); }
    void submit(Job&& job);
    bool has_idle() const { return !idle_.empty(); }
    /// Jobs that wait come back as `stopped`.
    void refuse_waiting() { queue_.answer_all(JobResult::Kind::stopped); }
    /// The jobs that wait, for another pool.
    std::vector<Job> take_waiting();
    /// No new workers, idle ones leave; jobs that wait come back as `stopped`.
    void stop();
    /// SIGKILL for whatever is left.
    void kill_all(const std::string& reason);
    bool empty() const { return state_ == State::stopping && !keeper_.exists() && slots_.empty(); }
    /// What the sandbox of its workers lacks; '' when nothing, or when none has been ready.
    const std::string& sandbox_lacks() const { return sandbox_lacks_; }
    /// Also before start().
    bool has_process() const { return keeper_.exists() || !slots_.empty(); }
    PoolStatus describe(TimePoint now) const;
    /// Where the filter of one worker is, called by its label or its pid. False when there is none of that name.
    bool trace(const std::string& worker, const std::function<void(TraceStatus)>& done);
    /// Every worker makes room for a fresh one, one at a time, each when the fresh one is ready.
    void recycle();
    /// Pids that belong to this pool: the zygote and the workers.
    void collect_pids(std::unordered_set<pid_t>& pids) const;

private:
    enum class State {
        starting,  // no worker has been ready yet: jobs wait
        serving,   // workers are ready, or will be at once
        failed,    // no worker, and the next start is some time away: jobs come back `unavailable`
        stopping,
    };

    static const char* name_of(State state);
    void enter(State state);
    ZygoteKeeper::Callbacks keeper_callbacks();
    void zygote_dead(const std::string& problem, Duration delay);

    int count_serving() const;
    int lacking() const;
    void fill();
    bool fork_worker(std::uint32_t number);
    void dismiss(WorkerSlot& slot);
    WorkerSlot* find(std::uint32_t slot);
    WorkerSlot::Callbacks slot_callbacks();
    void worker_ready(WorkerSlot& slot, const Ready& ready);
    void worker_idle(WorkerSlot& slot);
    void worker_next(WorkerSlot& slot);
    void retire(WorkerSlot& slot, const std::string& reason);
    void worker_dead(WorkerSlot& slot, const std::string& reason);
    void outlived(const std::string& label);
    void worker_line(WorkerSlot& slot, std::string_view line);
    void none_before(TimePoint next_attempt);
    void note_failures(const std::vector<Ready::Failure>& failures);

    RecyclePolicy::Held look_at(const WorkerSlot& slot) const;
    void look_at_fresh(const WorkerSlot& slot);
    void look_at_served(const WorkerSlot& slot);
    void look_at_ages();
    void begin_recycling(const WorkerSlot& slot, std::string reason);
    bool end_recycling(WorkerSlot& slot);
    void stand_back(WorkerSlot& slot, std::uint32_t filter);

    void queued();
    void look_at_queue();
    void look_at_idle();
    void shrink(WorkerSlot& slot);
    void recycle_next();
    WorkerStatus describe(const WorkerSlot& slot, TimePoint now) const;

    WorkerSlot* take_free(TimePoint now);
    WorkerSlot* take_idle();
    void dispatch(WorkerSlot& slot, Job&& job);
    void not_begun(Job job);
    void taken_back(std::vector<Job> jobs);
    void put_back(Job job);
    void dispatch_waiting();
    WorkerSlot* find_least_ahead(TimePoint now);
    void send_ahead();
    void watch_ahead();
    void look_at_ahead();
    void take_over();

    Loop& loop_;
    Options options_;
    Reporter report_;
    Callbacks callbacks_;
    PoolGauges& gauge_;
    WorkerTotals& totals_;
    State state_ = State::starting;

    ResizePolicy resize_;
    WorkerNumbers numbers_;
    std::uint32_t last_slot_ = 0;
    std::vector<std::unique_ptr<WorkerSlot>> slots_;
    std::vector<std::unique_ptr<WorkerSlot>> graves_;  // dead, but their code may still be on the stack
    std::vector<WorkerSlot*> idle_;                    // last used last
    WorkerSlot* last_used_ = nullptr;
    StartReport start_report_;
    RecyclePolicy recycle_;
    std::uint32_t recycled_ = 0;       // the slot that leaves when its replacement is ready; 0: none
    std::string recycle_reason_;
    std::uint32_t recycle_up_to_ = 0;  // slots up to this one are to be recycled: recycle()
    PoolHistory history_;
    JobQueue queue_;
    std::string sandbox_lacks_;  // what the kernel could not do of the sandbox, as a worker said
    TimePoint last_worker_ = Clock::now();  // when the last one died that had been ready; first, the beginning

    ZygoteKeeper keeper_;
    Timer to_respawn_;  // the next attempt, while something is missing
    Timer to_grow_;     // active while messages wait
    Timer to_shrink_;   // active while there are more workers than min
    Timer to_age_;      // the next worker that reaches its age
    Timer to_bury_;     // empties graves_
    Timer to_take_back_;      // active while workers have been sent tasks ahead
    BeforeWait before_wait_;  // what waits then is sent ahead
};

}  // namespace pythonfilter
