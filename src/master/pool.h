// A pool: one zygote, its workers, and the jobs that wait for one of them. It decides who gets which job and when a
// worker or zygote is started again (respawn_policy.h says how soon); a job's result goes straight to whoever gave it.
// A failing pool answers `unavailable` at once and never stops another.
#pragma once

#include "master/job_queue.h"
#include "master/recycle_policy.h"
#include "master/reporter.h"
#include "master/respawn_policy.h"
#include "master/start_report.h"
#include "master/worker_slot.h"
#include "master/zygote_client.h"

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
        int workers = 1;
        RecycleConfig recycle;
        Duration start_timeout{};
        ZygoteSpec spec;
        std::string program;  // pythonfilter-worker
    };
    struct Callbacks {
        /// Once: every worker is ready (no problems), or this is why not.
        std::function<void(std::vector<std::string> problems)> on_settled;
        /// Orphans of workers may have come to the master.
        std::function<void()> on_zygote_dead;
        /// After stop(): every process of the pool is gone.
        std::function<void()> on_empty;
    };

    Pool(Loop& loop, Options options, QueueGauge& gauge, Reporter report, Callbacks callbacks);

    void start();
    void submit(Job job);
    bool has_idle() const { return !idle_.empty(); }
    /// Jobs that wait come back as `stopped`.
    void refuse_waiting() { queue_.answer_all(JobResult::Kind::stopped); }
    /// No new workers, idle ones leave; jobs that wait come back as `stopped`.
    void stop();
    /// SIGKILL for whatever is left.
    void kill_all(const std::string& reason);
    bool empty() const { return state_ == State::stopping && !zygote_ && slots_.empty(); }
    /// What the sandbox of its workers lacks; '' when nothing, or when none has been ready.
    const std::string& sandbox_lacks() const { return sandbox_lacks_; }
    /// Pids that belong to this pool: the zygote and the workers.
    void collect_pids(std::unordered_set<pid_t>& pids) const;

private:
    enum class State {
        starting,  // no worker has been ready yet: jobs wait
        serving,   // workers are ready, or will be at once
        failed,    // no worker, and the next start is some time away: jobs come back `unavailable`
        stopping,
    };

    void enter(State state);
    void start_zygote();
    void on_report(ZygoteReport report, UniqueFd pidfd);
    void imported(const std::vector<Ready::Failure>& failures);
    void fork_answered();
    void tainted(const std::string& what);
    void zygote_dead(const std::string& reason);

    void fill();
    bool fork_worker();
    std::uint32_t free_number() const;
    WorkerSlot* find(std::uint32_t slot);
    WorkerSlot::Callbacks slot_callbacks();
    void worker_ready(WorkerSlot& slot, const Ready& ready);
    void worker_idle(WorkerSlot& slot);
    void retire(WorkerSlot& slot, const std::string& reason);
    void worker_dead(WorkerSlot& slot, const std::string& reason);
    const FilterSpec* find_filter(std::uint32_t index) const;
    void worker_line(WorkerSlot& slot, std::string_view line);
    void retry_after(Duration delay);
    void note_failures(const std::vector<Ready::Failure>& failures);
    void look_at_fresh(const WorkerSlot& slot);
    void begin_recycling(const WorkerSlot& slot);
    bool end_recycling(WorkerSlot& slot);

    void close_zygote();
    WorkerSlot* take_idle();
    void dispatch(WorkerSlot& slot, Job job);
    void not_begun(Job job);

    Loop& loop_;
    Options options_;
    Reporter report_;
    Callbacks callbacks_;
    State state_ = State::starting;

    std::unique_ptr<ZygoteClient> zygote_;
    bool imported_ = false;    // of the present zygote
    std::string importing_;            // the filter that the zygote imports now, as it says
    int forks_asked_ = 0;      // of it and not answered; >= 0
    bool restarting_ = false;  // it was killed to be started again without preload
    RespawnPolicy zygote_respawn_, worker_respawn_;
    std::uint32_t last_slot_ = 0;
    std::vector<std::unique_ptr<WorkerSlot>> slots_;
    std::vector<std::unique_ptr<WorkerSlot>> graves_;  // dead, but their code may still be on the stack
    std::vector<WorkerSlot*> idle_;                    // last used last
    StartReport start_report_;
    RecyclePolicy recycle_;
    std::uint32_t recycled_ = 0;       // the slot that leaves when its replacement is ready; 0: none
    std::string recycle_reason_;
    JobQueue queue_;
    std::string sandbox_lacks_;  // what the kernel could not do of the sandbox, as a worker said
    TimePoint last_worker_ = Clock::now();  // when the last one died that had been ready; first, the beginning

    Timer to_import_;   // start_timeout of the zygote
    Timer to_fork_;     // active while forks_asked_ > 0
    Timer to_respawn_;  // the next attempt, while something is missing
    Timer to_end_;      // active while the zygote ends
    Timer to_bury_;     // empties graves_
};

}  // namespace pythonfilter
