#include "master/worker_slot.h"

#include "base/process.h"
#include "message/scoreboard.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

namespace pythonfilter {
namespace {

constexpr Duration kTracebackGrace = 20ms;
constexpr Duration kReportGrace = 200ms;
constexpr Duration kBurialLimit = 2s;

Status make_pipe(UniqueFd& read_end, UniqueFd& write_end) {
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) != 0) return errno_error("pipe", errno);
    read_end.reset(fds[0]);
    write_end.reset(fds[1]);
    return Done{};
}

void set_nonblocking(int fd) { fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK); }

}  // namespace

Result<std::unique_ptr<WorkerSlot>> WorkerSlot::create(Loop& loop, std::uint32_t id, std::string label, Callbacks callbacks) {
    auto scoreboard = ScoreboardView::create();
    if (!scoreboard) return scoreboard.error();
    UniqueFd task, verdict, error;
    Ends ends;
    for (const Status& made : {make_pipe(ends.task, task), make_pipe(verdict, ends.verdict), make_pipe(error, ends.error)}) {
        if (!made) return made.error();
    }
    for (const int fd : {task.get(), verdict.get(), error.get()}) set_nonblocking(fd);
    return std::unique_ptr<WorkerSlot>(new WorkerSlot(loop, id, std::move(label), std::move(callbacks), std::move(*scoreboard),
                                                      std::move(task), std::move(verdict), std::move(error), std::move(ends)));
}

WorkerSlot::WorkerSlot(Loop& loop, std::uint32_t id, std::string label, Callbacks callbacks, ScoreboardView scoreboard, UniqueFd task,
                       UniqueFd verdict, UniqueFd error, Ends ends)
    : loop_(loop),
      id_(id),
      label_(std::move(label)),
      callbacks_(std::move(callbacks)),
      scoreboard_(std::move(scoreboard)),
      ends_(std::move(ends)),
      task_pipe_(std::move(task)),
      verdict_pipe_(std::move(verdict)),
      error_lines_(loop, std::move(error), [this](std::string_view line) { callbacks_.on_line(*this, line); }),
      to_deadline_(loop, [this] { deadline_expired(); }),
      to_kill_(loop, [this] { kill_now(); }),
      to_burial_(loop, [this] { burial_is_late(); }) {
    verdict_watch_ = std::make_unique<IoWatch>(loop_, verdict_pipe_.get(), EV_READ, [this] { read_verdicts(); });
    verdict_watch_->stop();  // until forked(): the worker may be faster than the zygote's report of it
    task_watch_ = std::make_unique<IoWatch>(loop_, task_pipe_.get(), EV_WRITE, [this] { write_task(); });
    task_watch_->stop();
}

const std::vector<int> WorkerSlot::worker_ends() const {
    return {ends_.task.get(), ends_.verdict.get(), ends_.error.get(), scoreboard_.fd()};  // the order of ForkFd
}

void WorkerSlot::close_worker_ends() {
    ends_ = Ends{};
    scoreboard_.close_fd();
}

void WorkerSlot::enter(State state) { state_ = state; }

std::string WorkerSlot::current_message_id() const { return job_ ? scoreboard_.message_id() : std::string(); }

// ---- birth

void WorkerSlot::forked(pid_t pid, UniqueFd pidfd, Duration start_timeout) {
    pid_ = pid;
    pidfd_ = std::move(pidfd);
    pidfd_watch_ = std::make_unique<IoWatch>(loop_, pidfd_.get(), EV_READ, [this] { try_reap(); });
    if (state_ == State::dying) {  // not wanted any more while the fork was on its way
        kill_now();
        return;
    }
    enter(State::starting);
    verdict_watch_->start();
    to_deadline_.start(start_timeout);
}

void WorkerSlot::fork_failed(std::string reason) { finish("could not be forked: " + std::move(reason), true); }

// ---- a job

void WorkerSlot::run(Job job) {
    job_.emplace(std::move(job));
    progress_.reset();
    fate_ = JobResult::Kind::crashed;
    fate_reason_.clear();
    dispatched_ = Clock::now();
    enter(State::busy);
    unsent_ = encode(job_->task);
    write_task();
    arm_deadline();
}

void WorkerSlot::write_task() {
    while (!unsent_.empty()) {
        const ssize_t n = write(task_pipe_.get(), unsent_.data(), unsent_.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) {
            task_watch_->start();
            return;
        }
        if (n < 0) break;  // EPIPE: its death is on the way, or a filter closed the pipe and the deadline will tell
        unsent_.erase(0, static_cast<std::size_t>(n));
    }
    unsent_.clear();
    task_watch_->stop();
}

void WorkerSlot::read_verdicts() {
    char chunk[64 * 1024];
    const ssize_t n = read(verdict_pipe_.get(), chunk, sizeof chunk);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0) {
        verdict_pipe_ended();
        return;
    }
    frames_.append({chunk, static_cast<std::size_t>(n)});
    FrameStream::Frame frame;
    for (;;) {
        const auto next = frames_.next(frame);
        if (next == FrameStream::Next::incomplete) return;
        if (next == FrameStream::Next::frame && take_frame(frame)) {
            if (!verdict_watch_) return;
            continue;
        }
        verdict_watch_.reset();  // nothing it says from now on is heard
        if (state_ != State::dying) begin_kill(JobResult::Kind::crashed, "sent a frame that makes no sense");
        return;
    }
}

// Not yet a death: a filter may have closed the pipe. Mostly it is one, though, and the zygote's report is on its way.
void WorkerSlot::verdict_pipe_ended() {
    verdict_watch_.reset();
    if (state_ == State::leaving || state_ == State::dying || state_ == State::dead) return;
    enter(State::dying);
    to_deadline_.stop();
    to_kill_.start(kReportGrace);
}

bool WorkerSlot::take_frame(const FrameStream::Frame& frame) {
    error_lines_.drain();
    switch (frame.type) {
        case FrameType::ready: {
            auto ready = decode_ready(frame.payload);
            if (!ready || state_ != State::starting) return false;
            to_deadline_.stop();
            has_been_ready_ = true;
            enter(State::idle);
            callbacks_.on_ready(*this, std::move(*ready));
            return true;
        }
        case FrameType::progress: return take_progress(frame.payload);
        case FrameType::outcome: return take_outcome(frame.payload);
        case FrameType::task: return false;
    }
    return false;
}

// Every chain index that a worker names must be one of those it was asked for.
bool WorkerSlot::plausible(const ChainState& state, const std::vector<FilterRun>& runs, const std::vector<Incident>& incidents) const {
    const auto& asked = job_->task.filters;
    const auto is_asked = [&](std::uint32_t filter) { return std::find(asked.begin(), asked.end(), filter) != asked.end(); };
    const std::size_t most = 2 * asked.size();  // a module may have do_filter and doFilter
    return runs.size() <= most && incidents.size() <= most &&
           std::all_of(runs.begin(), runs.end(), [&](const FilterRun& run) { return is_asked(run.filter); }) &&
           std::all_of(incidents.begin(), incidents.end(), [&](const Incident& incident) { return is_asked(incident.filter); }) &&
           state.bypassed.size() <= 64 * 1024;
}

bool WorkerSlot::take_progress(std::string_view payload) {
    auto progress = decode_progress(payload);
    if (!progress || !job_) return false;
    if (progress->task_id != job_->task.id) return false;
    const auto& asked = job_->task.filters;
    if (std::find(asked.begin(), asked.end(), progress->finished) == asked.end()) return false;
    if (!plausible(progress->state, progress->runs, progress->incidents)) return false;
    progress_ = std::move(*progress);
    return true;
}

bool WorkerSlot::take_outcome(std::string_view payload) {
    if (state_ != State::busy && state_ != State::dying) return false;
    auto outcome = decode_outcome(payload);
    if (!outcome || !job_ || outcome->task_id != job_->task.id) return false;
    if (!plausible(outcome->state, outcome->runs, outcome->incidents)) return false;
    const auto& asked = job_->task.filters;
    const bool names_filter = outcome->kind == OutcomeKind::decided || outcome->kind == OutcomeKind::failed;
    if (names_filter && std::find(asked.begin(), asked.end(), outcome->filter) == asked.end()) return false;
    if (outcome->kind == OutcomeKind::failed && outcome->incidents.empty()) return false;
    if (state_ == State::dying) return true;  // too late: its death has been decided and will be reported
    to_deadline_.stop();
    JobResult result;
    result.kind = JobResult::Kind::outcome;
    result.outcome = std::move(*outcome);
    result.worker = label_;
    result.queue_wait = dispatched_ - job_->queued_at;
    const auto done = std::move(job_->done);
    job_.reset();
    enter(State::idle);
    done(std::move(result));
    if (state_ == State::idle && !burying_) callbacks_.on_idle(*this);
    return true;
}

// ---- deadlines

std::size_t WorkerSlot::running_place(const ScoreboardView::Running& running) const {
    const auto& asked = job_->task.filters;
    std::size_t place = 0;
    if (progress_) {
        place = static_cast<std::size_t>(std::find(asked.begin(), asked.end(), progress_->finished) - asked.begin()) + 1;
    }
    if (running.task_id == job_->task.id) {
        const auto found = std::find(asked.begin(), asked.end(), running.filter);
        if (found != asked.end()) place = std::max(place, static_cast<std::size_t>(found - asked.begin()));
    }
    return std::min(place, asked.size() - 1);
}

// When the time of the filter at `place` is over. The scoreboard's start time counts only so far as the timeouts of the
// filters before it allow.
TimePoint WorkerSlot::filter_deadline(const ScoreboardView::Running& running, std::size_t place) const {
    TimePoint latest = dispatched_;
    for (std::size_t i = 0; i <= place; ++i) latest += job_->timeouts[i];
    const bool believed = running.task_id == job_->task.id && running.filter == job_->task.filters[place] && running.since >= dispatched_;
    if (believed) latest = std::min(latest, running.since + job_->timeouts[place]);
    return latest;
}

// The worker goes on to the next filter without a word, so a later one with less time may be over before the one that runs
// now: looks again when the shortest of theirs could be.
void WorkerSlot::arm_deadline() {
    const auto running = scoreboard_.running();
    const std::size_t place = running_place(running);
    TimePoint next = std::min(filter_deadline(running, place), job_->budget_end);
    for (std::size_t i = place + 1; i < job_->timeouts.size(); ++i) next = std::min(next, Clock::now() + job_->timeouts[i]);
    to_deadline_.start_at(next);
}

void WorkerSlot::deadline_expired() {
    if (state_ == State::starting) {
        begin_kill(JobResult::Kind::crashed, "was not ready in time: start_timeout is over");
        return;
    }
    const auto running = scoreboard_.running();
    const TimePoint now = Clock::now();
    if (now >= job_->budget_end) {
        begin_kill(JobResult::Kind::out_of_time, "the message's time is over");
    } else if (now >= filter_deadline(running, running_place(running))) {
        begin_kill(JobResult::Kind::timed_out, "its time was over");
    } else {
        arm_deadline();
    }
}

// ---- death

// The traceback first: the signal is harmless right before a kill, and only there.
void WorkerSlot::begin_kill(JobResult::Kind kind, std::string reason) {
    if (state_ == State::dying || state_ == State::dead) return;
    fate_ = kind;
    fate_reason_ = std::move(reason);
    const bool has_python = has_been_ready_ || state_ == State::starting;
    enter(State::dying);
    to_deadline_.stop();
    if (pidfd_ && has_python && signal_pidfd(pidfd_.get(), traceback_signal())) {
        asked_for_traceback_ = true;
        to_kill_.start(kTracebackGrace);
    } else {
        kill_now();
    }
}

void WorkerSlot::kill(JobResult::Kind fate, std::string reason) {
    if (state_ == State::dying || state_ == State::dead) return;
    fate_ = fate;
    fate_reason_ = std::move(reason);
    enter(State::dying);
    to_deadline_.stop();
    kill_now();
}

void WorkerSlot::kill_now() {
    to_kill_.stop();
    if (fate_reason_.empty()) fate_reason_ = "closed its verdict pipe";
    if (std::exchange(asked_for_traceback_, false)) note_traceback();
    if (pidfd_) signal_pidfd(pidfd_.get(), SIGKILL);
    to_burial_.start(kBurialLimit);
}

void WorkerSlot::note_traceback() {
    const std::string traceback = scoreboard_.traceback();
    callbacks_.on_note(*this, traceback.empty() ? "no traceback: it did not react to the signal in time" : traceback);
}

void WorkerSlot::leave() {
    if (state_ == State::dead || state_ == State::dying) return;
    if (state_ == State::busy || state_ == State::starting || state_ == State::forking) {
        kill(JobResult::Kind::stopped, "is not needed any more");
        return;
    }
    enter(State::leaving);
    to_deadline_.stop();
    task_watch_.reset();
    task_pipe_.reset();
}

void WorkerSlot::buried(int wait_status) { finish(describe_wait_status(wait_status), true); }

void WorkerSlot::zygote_died() {
    zygote_dead_ = true;
    if (state_ == State::forking) {
        finish("its zygote died", true);
        return;
    }
    if (state_ != State::dead && state_ != State::dying) {
        fate_reason_ = "its zygote died";
        kill_now();  // PDEATHSIG is on its way as well
    }
    try_reap();
}

// The pidfd tells of the death; the number is ours to reap only when the zygote is gone and the kernel gave us its
// children. Until it is reaped, the number of the group cannot be reused.
void WorkerSlot::try_reap() {
    siginfo_t info{};
    const bool is_ours = zygote_dead_ && waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0;
    if (!is_ours || info.si_pid == 0) {
        if (!is_ours && pidfd_watch_) pidfd_watch_->stop();  // dead for the zygote, whose report follows: it would spin
        if (is_ours && pidfd_watch_) pidfd_watch_->start();  // not dead yet
        if (!to_burial_.active()) to_burial_.start(kBurialLimit);
        return;
    }
    ::kill(-pid_, SIGKILL);
    int status = 0;
    waitpid(pid_, &status, 0);
    finish(describe_wait_status(status), true);
}

void WorkerSlot::burial_is_late() {
    pollfd state{pidfd_.get(), POLLIN, 0};
    const bool dead = pidfd_ && poll(&state, 1, 0) > 0;
    finish(dead ? "ended, and its zygote did not say how" : "did not die after SIGKILL", dead);
}

void WorkerSlot::finish(std::string reason, bool really_dead) {
    if (state_ == State::dead) return;
    burying_ = true;
    // An outcome that was written whole before the death is a good outcome.
    if (really_dead && verdict_watch_ && state_ == State::busy) read_verdicts();
    enter(State::dead);
    error_lines_.finish();
    to_deadline_.stop();
    to_kill_.stop();
    to_burial_.stop();
    verdict_watch_.reset();
    task_watch_.reset();
    pidfd_watch_.reset();
    if (!fate_reason_.empty()) reason = fate_reason_ + " (" + reason + ")";
    if (job_) end_job(reason, really_dead);
    const auto on_dead = callbacks_.on_dead;
    on_dead(*this, std::move(reason));
}

void WorkerSlot::end_job(const std::string& reason, bool really_dead) {
    const auto running = scoreboard_.running();
    JobResult result;
    result.filter = job_->task.filters[running_place(running)];
    Job job = std::move(*job_);
    job_.reset();
    const bool begun = progress_ || running.task_id == job.task.id || !really_dead;
    if (fate_ == JobResult::Kind::crashed && !begun) {
        callbacks_.on_not_begun(std::move(job));
        return;
    }
    result.kind = fate_;
    result.worker_is_dead = really_dead;
    result.progress = std::move(progress_);
    result.began_with = scoreboard_.began_with(job.task.id);
    result.facts = scoreboard_.facts(job.task.id);
    result.detail = reason;
    result.worker = label_;
    result.queue_wait = dispatched_ - job.queued_at;
    job.done(std::move(result));
}

}  // namespace pythonfilter
