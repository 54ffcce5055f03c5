// WorkerSlot: the master's end of one worker, from the fork request to the burial. Owns the link, the pidfd, the
// scoreboard and the deadline of the filter that runs; speaks frames; trusts nothing that arrives. It decides when its
// worker is dead (the zygote's report, or the pidfd when the zygote is dead; never end of file alone) and when its time
// is over or it uses too much, and reports upward. Its end is in worker_burial.cpp. Whom to start or what to answer is
// the pool's and the router's business.
#pragma once

#include "base/unique_fd.h"
#include "master/job_deadline.h"
#include "master/line_reader.h"
#include "master/live_trace.h"
#include "master/loop.h"
#include "master/scoreboard_view.h"
#include "master/tasks_ahead.h"
#include "master/traceback_wait.h"
#include "master/worker_link.h"
#include "master/worker_watch.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <sys/types.h>

namespace pythonfilter {

class WorkerSlot {
public:
    enum class State {
        forking,   // asked for; the zygote has not answered
        starting,  // runs init_filter
        idle,
        busy,      // has a job
        dying,     // the traceback was asked for, or SIGKILL sent; waits for its burial
        leaving,   // its task pipe is closed: it exits by itself when it is done
        dead,
    };

    struct Callbacks {
        std::function<void(WorkerSlot&, Ready)> on_ready;
        std::function<void(WorkerSlot&)> on_idle;  // after a job; the result was delivered
        /// The same, but it goes on to the job that it was sent ahead.
        std::function<void(WorkerSlot&)> on_next;
        /// As on_idle, but the worker says that it must serve no further message.
        std::function<void(WorkerSlot&, std::string reason)> on_retire;
        /// The worker died before it took the job: no filter is to blame. Comes before on_dead, instead of the result.
        std::function<void(Job)> on_not_begun;
        /// Jobs that were sent ahead and that the worker will not do, in order.
        std::function<void(std::vector<Job>)> on_taken_back;
        std::function<void(WorkerSlot&, std::string reason)> on_dead;
        std::function<void(WorkerSlot&, std::string_view)> on_line;     // its stderr
        /// `filter` (chain index) takes long; the message goes on, and on_retire comes after it. Once for a job.
        std::function<void(WorkerSlot&, std::uint32_t filter)> on_slow;
        std::function<void(WorkerSlot&, std::string)> on_note;          // what the log should tell, one or more lines
    };

    /// The worker's ends are sent with the fork packet and closed here by close_worker_ends().
    struct Ends {
        UniqueFd task, verdict, error, gate;
    };
    /// `busy`: how many workers have a job, in all; they count themselves.
    static Result<std::unique_ptr<WorkerSlot>> create(Loop& loop, std::uint32_t id, std::string label,
                                                      const WatchLimits& limits, int& busy, Callbacks callbacks);
    WorkerSlot(const WorkerSlot&) = delete;
    WorkerSlot& operator=(const WorkerSlot&) = delete;

    const std::vector<int> worker_ends() const;
    void close_worker_ends();

    std::uint32_t id() const { return id_; }
    const std::string& label() const { return label_; }
    pid_t pid() const { return pid_; }
    State state() const { return state_; }
    bool serves() const { return state_ == State::idle || state_ == State::busy; }
    TimePoint state_since() const { return state_since_; }
    /// Messages that it has answered for.
    int served() const { return served_; }
    bool has_been_ready() const { return has_been_ready_; }
    /// It has begun a message at least once.
    bool has_begun() const { return has_begun_; }
    TimePoint ready_since() const { return ready_since_; }
    const Job* job() const { return job_ ? &*job_ : nullptr; }
    std::string current_message_id() const;
    /// Chain index of the filter that the worker says it runs; gossip, any number.
    std::uint32_t running_filter() const { return scoreboard_.running().filter; }

    /// `took`: the fork.
    void forked(pid_t pid, UniqueFd pidfd, Duration took, Duration start_timeout);
    void run(Job&& job);
    /// Whether it may get one more job while it has one, which does not take long.
    bool takes_ahead(TimePoint now) const {
        return state_ == State::busy && retire_.empty() && !takes_long(now) && link_.takes_more() &&
               ahead_.takes_one();
    }
    /// A job to be done behind those that it has, only where takes_ahead(). It is sent by send_ahead().
    void add_ahead(Job job);
    void send_ahead() { link_.flush(); }
    /// Jobs that it has been given and has not answered.
    std::size_t jobs() const { return ahead_.size() + (job_ ? 1 : 0); }
    /// Its job has had it for so long that none may wait behind it.
    bool takes_long(TimePoint now) const { return job_ && now - dispatched_ >= ahead_.patience(); }
    bool has_ahead() const { return ahead_.size() > 0; }
    /// It has been sent something that a worker with nothing to do had better take over.
    bool gives_away() const { return ahead_.gives_away(); }
    /// takes_ahead(), and it is better than to wake up another worker.
    bool keeps_together(TimePoint now) const { return takes_ahead(now) && ahead_.keeps_together(); }
    bool answers_soon() const { return ahead_.answers_soon(); }
    /// What it has been sent and not begun comes back by on_taken_back; before it, answers may be taken.
    void take_back();
    /// Where its filter or its init_filter is; the worker lives on. Called back once, perhaps at once.
    void trace(LiveTrace::Callback callback);
    /// Closes the task pipe: an idle worker exits at once.
    void leave();
    /// SIGKILL, now. `fate` is the kind of its job's result, if it has one; `reason` is what that and on_dead will say.
    void kill(JobResult::Kind fate, std::string reason);
    /// The worker is dead: the zygote said so.
    void buried(int wait_status);
    /// The zygote is dead. Its workers die with it and are ours to reap.
    void zygote_died();
    /// The fork never happened.
    void fork_failed(std::string reason);

private:
    /// What the scoreboard said. Taken when a kill is decided: the filter may end in the time that it has left.
    struct Evidence {
        ScoreboardView::Running running;
        std::optional<Identity> began_with;
        MessageFacts facts;
    };

    WorkerSlot(Loop& loop, std::uint32_t id, std::string label, const WatchLimits& limits, int& busy,
               Callbacks callbacks, ScoreboardView scoreboard, Ends ours, Ends theirs);

    WorkerWatch::Callbacks watch_callbacks();
    void enter(State state);
    WorkerLink::Callbacks link_callbacks();
    void worker_ended();
    void said_nonsense();
    bool take_frame(const FrameStream::Frame& frame);
    bool take_outcome(std::string_view payload);
    bool take_progress(std::string_view payload);
    void begin(Job&& job);
    void give_back(std::vector<Job> jobs);
    bool answers_now();
    void lost_tasks();
    bool forged(const char* what);
    bool take_job_back();
    bool is_elsewhere();
    bool go_on();
    JobRun job_run(const ScoreboardView::Running& running) const;
    void arm_deadline();
    void deadline_expired();
    void slow();
    void exceeded(Excess excess);
    void condemn(JobResult::Kind fate, std::string reason);
    void begin_kill(JobResult::Kind fate, std::string reason);
    Evidence evidence(const Job& job) const;
    void kill_now();
    void look_for_traceback();
    void note_traceback();
    void try_reap();
    bool is_gone() const;
    void burial_is_late();
    void finish(std::string reason, bool really_dead);
    void end_jobs(const std::string& reason, bool really_dead);
    void end_job(Job job, const std::string& reason, bool really_dead);

    Loop& loop_;
    std::uint32_t id_;
    std::string label_;
    int& busy_;  // how many workers are, in all
    Callbacks callbacks_;
    ScoreboardView scoreboard_;
    Ends ends_;  // the worker's
    State state_ = State::forking;
    TimePoint state_since_ = Clock::now();
    pid_t pid_ = 0;
    bool has_been_ready_ = false;
    bool has_begun_ = false;
    TimePoint ready_since_;
    int served_ = 0;                    // only grows
    bool slowed_ = false;               // it stands back for others: it must serve no further message
    bool zygote_dead_ = false;
    bool asked_for_traceback_ = false;  // and it has not been read yet
    bool burying_ = false;  // inside finish(): no new job any more

    UniqueFd pidfd_;
    WorkerLink link_;
    std::optional<Job> job_;         // the first of those for which a result is owed
    TasksAhead ahead_;               // the others
    std::string retire_;             // why it must serve no further message
    std::uint64_t answered_ = 0;     // the last task for which it sent an outcome
    TimePoint dispatched_;           // of job_
    std::optional<Progress> progress_;
    JobResult::Kind fate_ = JobResult::Kind::crashed;  // of the job, should the worker die now
    std::string fate_reason_;
    std::optional<Evidence> evidence_;  // of job_
    bool taken_back_ = false;           // job_: it was not begun, and will not be

    WorkerWatch watch_;
    LiveTrace live_trace_;
    TracebackWait traceback_wait_;
    LineReader error_lines_;
    std::unique_ptr<IoWatch> pidfd_watch_;
    Alarm to_deadline_;   // of init_filter, or of the filter that runs
    Timer to_kill_;       // the report's grace: perhaps it is dead already
    Timer to_look_;       // for the traceback, while traceback_wait_ is not over
    Timer to_burial_;     // after SIGKILL: a worker that will not die
};

}  // namespace pythonfilter
