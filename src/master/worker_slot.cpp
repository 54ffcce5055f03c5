#include "master/worker_slot.h"

#include "master/plausible.h"
#include "message/scoreboard.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace pythonfilter {
namespace {

constexpr Duration kReportGrace = 200ms;
constexpr Duration kBegin = 1s;  // for a worker to go on from its verdict to what comes next, also on a busy machine

Status make_pipe(UniqueFd& read_end, UniqueFd& write_end) {
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) != 0) return errno_error("pipe", errno);
    read_end.reset(fds[0]);
    write_end.reset(fds[1]);
    return Done{};
}

Status make_pair(UniqueFd& one, UniqueFd& other) {
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0) return errno_error("socketpair", errno);
    one.reset(fds[0]);
    other.reset(fds[1]);
    return Done{};
}

void set_nonblocking(int fd) { fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK); }

}  // namespace

Result<std::unique_ptr<WorkerSlot>> WorkerSlot::create(Loop& loop, std::uint32_t id, std::string label,
                                                       const WatchLimits& limits, int& busy,
                                                       Callbacks callbacks) {
    auto scoreboard = ScoreboardView::create();
    if (!scoreboard) return scoreboard.error();
    Ends ours, theirs;
    for (const Status& made : {make_pipe(theirs.task, ours.task), make_pipe(ours.verdict, theirs.verdict),
                               make_pipe(ours.error, theirs.error), make_pair(ours.gate, theirs.gate)}) {
        if (!made) return made.error();
    }
    for (const UniqueFd* fd : {&ours.task, &ours.verdict, &ours.error, &ours.gate}) set_nonblocking(fd->get());
    return std::unique_ptr<WorkerSlot>(new WorkerSlot(loop, id, std::move(label), limits, busy, std::move(callbacks),
                                                      std::move(*scoreboard), std::move(ours), std::move(theirs)));
}

WorkerSlot::WorkerSlot(Loop& loop, std::uint32_t id, std::string label, const WatchLimits& limits, int& busy,
                       Callbacks callbacks, ScoreboardView scoreboard, Ends ours, Ends theirs)
    : loop_(loop),
      id_(id),
      label_(std::move(label)),
      busy_(busy),
      callbacks_(std::move(callbacks)),
      scoreboard_(std::move(scoreboard)),
      ends_(std::move(theirs)),
      link_(loop, scoreboard_.tasks(), scoreboard_.verdicts(), std::move(ours.task), std::move(ours.verdict),
            link_callbacks()),
      ahead_(scoreboard_),
      watch_(loop, limits, std::move(ours.gate), watch_callbacks()),
      live_trace_(loop, scoreboard_),
      error_lines_(loop, std::move(ours.error), [this](std::string_view line) { callbacks_.on_line(*this, line); },
                   [this] { scoreboard_.will_read_output(); }),
      to_deadline_(loop, [this] { deadline_expired(); }),
      to_kill_(loop, [this] { kill_now(); }),
      to_look_(loop, [this] { look_for_traceback(); }),
      to_burial_(loop, [this] { burial_is_late(); }) {}

const std::vector<int> WorkerSlot::worker_ends() const {
    return {ends_.task.get(), ends_.verdict.get(), ends_.error.get(), scoreboard_.fd(),
            ends_.gate.get()};  // the order of ForkFd
}

void WorkerSlot::close_worker_ends() {
    ends_ = Ends{};
    scoreboard_.close_fd();
}

WorkerWatch::Callbacks WorkerSlot::watch_callbacks() {
    return {[this] { return slow_time(job_run(scoreboard_.running()), watch_.slow_after()); }, [this] { slow(); },
            [this](Excess excess) { exceeded(std::move(excess)); }};
}

WorkerLink::Callbacks WorkerSlot::link_callbacks() {
    return {[this](const FrameStream::Frame& frame) { return take_frame(frame); }, [this] { said_nonsense(); },
            [this] { worker_ended(); }, [this] { lost_tasks(); }};
}

void WorkerSlot::enter(State state) {
    busy_ += (state == State::busy) - (state_ == State::busy);
    state_ = state;
    state_since_ = Clock::now();
}

std::string WorkerSlot::current_message_id() const { return job_ ? scoreboard_.message_id() : std::string(); }

// ---- birth

void WorkerSlot::forked(pid_t pid, UniqueFd pidfd, Duration took, Duration start_timeout) {
    pid_ = pid;
    pidfd_ = std::move(pidfd);
    pidfd_watch_ = std::make_unique<IoWatch>(loop_, pidfd_.get(), EV_READ, [this] { try_reap(); });
    if (state_ == State::dying) {  // not wanted any more while the fork was on its way
        kill_now();
        return;
    }
    enter(State::starting);
    link_.hear();
    watch_.started(pid, took);
    to_deadline_.by(Clock::now() + start_timeout);
}

void WorkerSlot::fork_failed(std::string reason) { finish("could not be forked: " + std::move(reason), true); }

// ---- a job

void WorkerSlot::run(Job&& job) {
    link_.put(ahead_.offer(job.task));
    begin(std::move(job));
    link_.flush();
}

void WorkerSlot::add_ahead(Job job) {
    link_.put(ahead_.offer(job.task));
    ahead_.push(std::move(job));
}

void WorkerSlot::begin(Job&& job) {
    job_.emplace(std::move(job));
    progress_.reset();
    fate_ = JobResult::Kind::crashed;
    fate_reason_.clear();
    evidence_.reset();
    taken_back_ = false;
    enter(State::busy);
    dispatched_ = state_since_;
    link_.expect(ahead_.answer_is_expected());
    watch_.job_began(dispatched_);
    arm_deadline();
}

void WorkerSlot::give_back(std::vector<Job> jobs) {
    if (!jobs.empty()) callbacks_.on_taken_back(std::move(jobs));
}

// It runs one after the other, and writes each outcome before it takes the next task: those behind one that is not
// answered cannot have been begun, whoever took them. It may have written more than it has told of.
void WorkerSlot::take_back() {
    std::vector<Job> back = ahead_.take_back();
    std::vector<Job> lost;
    if (state_ == State::busy && !answers_now() && has_ahead()) {
        begin_kill(JobResult::Kind::crashed, "a filter took its worker's next tasks itself");
        while (auto job = ahead_.pop()) lost.push_back(std::move(*job));
    }
    give_back(std::move(back));
    give_back(std::move(lost));
}

bool WorkerSlot::answers_now() {
    const std::uint64_t running = job_->task.id;
    link_.look();
    return state_ != State::busy || job_->task.id != running;
}

void WorkerSlot::said_nonsense() {
    constexpr const char* kReason = "sent a frame that makes no sense";
    if (job_) begin_kill(JobResult::Kind::crashed, kReason);
    else kill(JobResult::Kind::crashed, kReason);  // between two messages no line of a filter is to blame
}

// Not yet a death: a filter may have closed the pipe. Mostly it is one, though, and the zygote's report is on its way.
void WorkerSlot::worker_ended() {
    if (state_ == State::leaving || state_ == State::dying || state_ == State::dead) return;
    enter(State::dying);
    to_deadline_.stop();
    to_kill_.start(kReportGrace);
}

bool WorkerSlot::take_frame(const FrameStream::Frame& frame) {
    switch (frame.type) {
        case FrameType::ready: {
            auto ready = decode_ready(frame.payload);
            if (!ready || state_ != State::starting) return false;
            to_deadline_.stop();
            error_lines_.drain();
            live_trace_.give_up("the worker became ready before it could write one");
            has_been_ready_ = true;
            watch_.ready();
            enter(State::idle);
            ready_since_ = state_since_;
            callbacks_.on_ready(*this, std::move(*ready));
            return true;
        }
        case FrameType::progress: return take_progress(frame.payload);
        case FrameType::outcome: return take_outcome(frame.payload);
        case FrameType::task: return false;
    }
    return false;
}

bool WorkerSlot::take_progress(std::string_view payload) {
    auto progress = decode_progress(payload);
    if (progress && progress->task_id == answered_ && job_) return forged("a filter wrote a verdict itself");
    if (!progress || !job_ || !plausible(*progress, job_->task)) return false;
    progress_ = std::move(*progress);
    return true;
}

bool WorkerSlot::take_outcome(std::string_view payload) {
    if (state_ != State::busy && state_ != State::dying) return false;
    auto outcome = decode_outcome(payload);
    if (outcome && outcome->task_id == answered_ && job_) return forged("a filter wrote a verdict itself");
    if (!outcome || !job_ || !plausible(*outcome, job_->task)) return false;
    if (state_ == State::dying) return true;  // too late: its death has been decided and will be reported
    watch_.job_ended(scoreboard_.children_left());
    live_trace_.give_up("the message was done before the worker could write one");
    if (served_ < INT_MAX) ++served_;
    has_begun_ = true;
    if (!outcome->pauses || error_lines_.drain()) error_lines_.end_line();  // who goes on knows of nothing unread
    JobResult result;
    result.kind = JobResult::Kind::outcome;
    if (retire_.empty()) retire_ = std::move(outcome->retire);
    if (slowed_ && retire_.empty()) retire_ = "a filter took longer than slow_after";
    const bool pauses = outcome->pauses || !retire_.empty();
    result.outcome = std::move(*outcome);
    result.worker = label_;
    result.queue_wait = dispatched_ - job_->queued_at;
    const auto done = std::move(job_->done);
    answered_ = job_->task.id;
    ahead_.answered(job_->task, Clock::now() - dispatched_);
    std::vector<Job> back = pauses ? ahead_.paused() : std::vector<Job>();
    job_.reset();
    if (auto next = ahead_.pop()) {
        begin(std::move(*next));
    } else {
        link_.expect(false);
        enter(State::idle);
    }
    done(std::move(result));
    give_back(std::move(back));
    return burying_ || go_on();
}

void WorkerSlot::lost_tasks() {
    if (job_) forged("a filter wrote into its ring of tasks");
}

// A filter has written in its worker's or the master's place, and the worker has gone on. A job that it has not begun
// goes to another one, as soon as the worker is dead: no line of the filter, which is over, is worth waiting for.
bool WorkerSlot::forged(const char* what) {
    if (take_job_back()) kill(JobResult::Kind::crashed, what);
    else if (retire_.empty()) retire_ = what;
    return true;
}

bool WorkerSlot::take_job_back() {
    taken_back_ = taken_back_ || scoreboard_.take_back(job_->task);
    return taken_back_;
}

// It does not run its job, and not because the machine is slow: it still names the one before, for which there is an
// outcome; or it waits for more tasks, which it does only behind an outcome.
bool WorkerSlot::is_elsewhere() {
    const std::uint64_t named = scoreboard_.running().task_id;
    if (named == job_->task.id) return false;
    if (named != 0 && named == answered_ && take_job_back()) return true;
    return link_.worker_waits() && !answers_now();
}

// Behind an outcome. False when the worker has said more than it may.
bool WorkerSlot::go_on() {
    if (state_ == State::busy) {
        callbacks_.on_next(*this);
        return true;
    }
    if (state_ != State::idle) return true;
    if (link_.has_more()) return false;  // such a worker gets no further message
    if (retire_.empty()) callbacks_.on_idle(*this);
    else callbacks_.on_retire(*this, retire_);
    return true;
}

// ---- deadlines

JobRun WorkerSlot::job_run(const ScoreboardView::Running& running) const {
    return {*job_, dispatched_, progress_, running};
}

void WorkerSlot::arm_deadline() {
    const TimePoint now = Clock::now(), next = next_look(job_run(scoreboard_.running()), now);
    const TimePoint has_begun = dispatched_ + kBegin;
    to_deadline_.by(now < has_begun ? std::min(next, has_begun) : next);
}

void WorkerSlot::deadline_expired() {
    if (state_ == State::starting)
        return begin_kill(JobResult::Kind::crashed, "was not ready in time: start_timeout is over");
    if (state_ == State::leaving) return begin_kill(JobResult::Kind::stopped, "did not end by itself");
    link_.look();  // it may just have answered
    if (state_ != State::busy) return;
    const TimePoint now = Clock::now();
    if (now >= job_->budget_end) {
        begin_kill(JobResult::Kind::out_of_time, "the message's time is over");
    } else if (now >= filter_deadline(job_run(scoreboard_.running()))) {
        begin_kill(JobResult::Kind::timed_out, "its time was over");
    } else {
        if (now >= dispatched_ + kBegin && is_elsewhere())
            begin_kill(JobResult::Kind::crashed, "a filter wrote in its worker's place");
        if (state_ == State::busy) arm_deadline();
    }
}

// ---- what is too much

void WorkerSlot::slow() {
    if (state_ != State::busy || answers_now()) return;  // it is about to be killed, or another job runs
    slowed_ = true;
    const auto place = running_place(job_run(scoreboard_.running()));
    callbacks_.on_slow(*this, job_->task.filters[place]);
}

// No traceback of what starts processes or threads: it would have the time for more.
void WorkerSlot::exceeded(Excess excess) {
    const bool answered = state_ == State::busy && answers_now();  // then the CPU time was that of the job before
    if (excess.event != FailureEvent::timeout) kill(JobResult::Kind::crashed, std::move(excess.reason));
    else if (!answered) begin_kill(JobResult::Kind::timed_out, std::move(excess.reason));
}

void WorkerSlot::trace(LiveTrace::Callback callback) {
    switch (state_) {
        case State::starting:
        case State::busy: return live_trace_.ask(pidfd_.get(), pid_, std::move(callback));
        case State::idle: return callback({{}, "the worker is idle, no filter runs"});
        case State::forking: return callback({{}, "the worker has not been forked yet"});
        case State::leaving: return callback({{}, "the worker is leaving, no filter runs"});
        case State::dying:
        case State::dead: return callback({{}, "the worker is dying"});
    }
}

}  // namespace pythonfilter
