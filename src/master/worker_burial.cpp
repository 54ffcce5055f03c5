// The part of WorkerSlot that ends a worker: the traceback before the kill, the kill, the burial, and what its job is
// told.
#include "base/process.h"
#include "master/worker_slot.h"

#include <csignal>
#include <poll.h>
#include <sys/wait.h>
#include <utility>

namespace pythonfilter {
namespace {

constexpr Duration kBurialLimit = 2s;
constexpr Duration kLeaveLimit = 5s;  // for what a filter left to atexit: a generation must be able to end

}  // namespace

// From now on it must not begin its job; if it has not, another worker can.
void WorkerSlot::condemn(JobResult::Kind fate, std::string reason) {
    fate_ = fate;
    fate_reason_ = std::move(reason);
    if (job_) {
        evidence_ = evidence(*job_);
        take_job_back();
    }
    enter(State::dying);
    to_deadline_.stop();
}

// The traceback first: the signal is harmless right before a kill, and only there.
void WorkerSlot::begin_kill(JobResult::Kind fate, std::string reason) {
    if (state_ == State::dying || state_ == State::dead) return;
    const bool has_python = has_been_ready_ || state_ == State::starting;
    condemn(fate, std::move(reason));
    asked_for_traceback_ = pidfd_ && has_python && signal_pidfd(pidfd_.get(), traceback_signal());
    if (!asked_for_traceback_) return kill_now();
    traceback_wait_.start(Clock::now());
    to_look_.start(TracebackWait::kLook);
}

void WorkerSlot::look_for_traceback() {
    if (traceback_wait_.is_over(scoreboard_.traceback().size(), Clock::now())) kill_now();
    else to_look_.start(TracebackWait::kLook);
}

void WorkerSlot::kill(JobResult::Kind fate, std::string reason) {
    if (state_ == State::dying || state_ == State::dead) return;
    condemn(fate, std::move(reason));
    kill_now();
}

WorkerSlot::Evidence WorkerSlot::evidence(const Job& job) const {
    return {scoreboard_.running(), scoreboard_.began_with(job.task.id), scoreboard_.facts(job.task.id)};
}

void WorkerSlot::kill_now() {
    to_kill_.stop();
    to_look_.stop();
    watch_.stop();
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
    to_deadline_.by(Clock::now() + kLeaveLimit);
    link_.close();
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
    const bool is_ours =
        zygote_dead_ && waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0;
    if (zygote_dead_ && !is_ours && is_gone())  // the zygote had reaped it, and died before it could say so
        return finish("ended, and its zygote did not say how", true);
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

bool WorkerSlot::is_gone() const {
    pollfd state{pidfd_.get(), POLLIN, 0};
    return pidfd_ && poll(&state, 1, 0) > 0;
}

void WorkerSlot::burial_is_late() {
    const bool dead = is_gone();
    finish(dead ? "ended, and its zygote did not say how" : "did not die after SIGKILL", dead);
}

void WorkerSlot::finish(std::string reason, bool really_dead) {
    if (state_ == State::dead) return;
    burying_ = true;
    // An outcome that was written whole before the death is a good outcome.
    if (really_dead && state_ == State::busy) link_.look();
    enter(State::dead);
    error_lines_.finish();
    watch_.stop();
    live_trace_.give_up("the worker died");
    to_deadline_.stop();
    to_kill_.stop();
    to_look_.stop();
    to_burial_.stop();
    link_.stop_hearing();
    pidfd_watch_.reset();
    if (!fate_reason_.empty()) reason = fate_reason_ + " (" + reason + ")";
    if (job_) end_jobs(reason, really_dead);
    const auto on_dead = callbacks_.on_dead;
    on_dead(*this, std::move(reason));
}

// Those that it was sent ahead and has not begun first: their wait is over at once.
void WorkerSlot::end_jobs(const std::string& reason, bool really_dead) {
    give_back(ahead_.take_back());
    take_job_back();
    Job first = std::move(*job_);
    job_.reset();
    end_job(std::move(first), reason, really_dead);
    evidence_.reset();
    progress_.reset();
    taken_back_ = false;
    fate_ = JobResult::Kind::crashed;
    while (auto job = ahead_.pop()) end_job(std::move(*job), reason, really_dead);  // it says that it has begun them
}

void WorkerSlot::end_job(Job job, const std::string& reason, bool really_dead) {
    Evidence found = evidence_ ? std::move(*evidence_) : evidence(job);
    JobResult result;
    result.filter = job.task.filters[running_place({job, dispatched_, progress_, found.running})];
    const bool begun = !taken_back_ && (progress_ || found.running.task_id == job.task.id || !really_dead);
    if ((fate_ == JobResult::Kind::crashed || fate_ == JobResult::Kind::timed_out) && !begun) {
        callbacks_.on_not_begun(std::move(job));
        return;
    }
    has_begun_ = true;
    result.kind = fate_;
    result.worker_is_dead = really_dead;
    result.zygote_died = zygote_dead_;
    result.progress = std::move(progress_);
    result.began_with = found.began_with;
    result.facts = std::move(found.facts);
    result.detail = reason;
    result.worker = label_;
    result.queue_wait = dispatched_ - job.queued_at;
    job.done(std::move(result));
}

}  // namespace pythonfilter
