#include "master/guardian.h"

#include "base/process.h"
#include "master/run_master.h"
#include "message/reply.h"

#include <algorithm>
#include <cassert>
#include <csignal>
#include <cstdlib>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

namespace pythonfilter {
namespace {

constexpr Duration kShortAbsence = 1s;     // clients wait that long in the backlog for the next master
// courierfilter's stop gives up after 15 s. Messages in flight have 10, the master needs a moment more.
constexpr Duration kStopPatience = 11500ms;
constexpr Duration kKillPatience = 500ms;  // a killed master that stays is stuck in the kernel
constexpr Duration kDrainPatience = 2s;
constexpr Duration kStopLimit = kStopPatience + kKillPatience + kDrainPatience;
static_assert(kStopLimit < 15s);
constexpr int kLogPatienceMs = 200;

enum Slot : std::size_t { slot_signals, slot_stdin, slot_ready, slot_listen, slot_socket_path, slot_log, fixed_slots };

// The signals that are waited for are blocked, so that none is lost between two looks.
UniqueFd open_signals() {
    sigset_t heard;
    sigemptyset(&heard);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGCHLD}) sigaddset(&heard, signal);
    sigprocmask(SIG_BLOCK, &heard, nullptr);
    return UniqueFd(signalfd(-1, &heard, SFD_NONBLOCK | SFD_CLOEXEC));
}

int poll_timeout(std::optional<TimePoint> moment) {
    if (!moment) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*moment - Clock::now()).count();
    return static_cast<int>(std::clamp<long>(left, 0, 60'000));
}

}  // namespace

const char* Guardian::to_string(State state) {
    switch (state) {
        case State::running: return "running";
        case State::waiting: return "waiting";
        case State::unusable: return "unusable";
        case State::replacing: return "replacing";
        case State::stopping: return "stopping";
        case State::draining: return "draining";
        case State::ended: return "ended";
    }
    return "?";
}

Guardian::Guardian(GuardianOptions options)
    : options_(std::move(options)),
      tell_debug_(std::getenv("PYTHONFILTER_DEBUG") != nullptr),
      orphans_(options_.heritage ? options_.heritage->master : 0),
      signals_(open_signals()),
      master_(options_.master),
      program_(options_.master.path) {}

int Guardian::run(Result<Config> first) {
    if (!signals_) say(LogLevel::error, errno_error("no signals can be received: signalfd", errno).text);
    if (options_.heritage) take_over(std::move(first));
    else attempt(std::move(first));
    while (state_ != State::ended) {
        do_what_is_due(Clock::now());
        if (state_ == State::ended) break;
        log_.flush();
        wait_for_events();
    }
    log_.flush_for(kLogPatienceMs);
    return 0;
}

void Guardian::enter(State state) {
    assert((state == State::running || state == State::replacing) == master_.running() || state >= State::stopping);
    if (state == state_) return;
    if (tell_debug_) say(LogLevel::debug, std::string(to_string(state_)) + " -> " + to_string(state));
    state_ = state;
}

void Guardian::say(LogLevel level, const std::string& text) { log_.line(level, "guardian: " + text); }

// --- What is heard

void Guardian::wait_for_events() {
    const bool accepting = answers_clients(Clock::now()) && !pause_end_ && !is_stopping();
    std::vector<pollfd> polls(fixed_slots);
    polls[slot_signals] = {signals_.get(), POLLIN, 0};
    // Hang-up is all that is looked at: nothing is ever written there, and the master has the same pipe.
    polls[slot_stdin] = {options_.stop_at_stdin_end && !is_stopping() ? 0 : -1, POLLRDHUP, 0};
    polls[slot_ready] = {master_.ready_fd(), POLLIN, 0};
    polls[slot_listen] = {accepting ? socket_.fd() : -1, POLLIN, 0};
    polls[slot_socket_path] = {socket_.watch_fd(), POLLIN, 0};
    polls[slot_log] = {log_.flush() ? -1 : log_.poll_fd(), POLLOUT, 0};
    turn_away_.append_polls(polls);
    if (poll(polls.data(), polls.size(), poll_timeout(next_moment())) < 0) {
        poll(nullptr, 0, 10);  // EINTR, or no memory: not again at once
        return;
    }

    if (polls[slot_ready].revents != 0) on_ready();
    if (polls[slot_signals].revents != 0) on_signals();
    if (polls[slot_stdin].revents != 0 && !is_stopping()) begin_stop("end of standard input");
    if (polls[slot_socket_path].revents != 0) next_socket_look_ = Clock::now();
    if (polls[slot_listen].revents != 0 && !is_stopping()) {
        const std::string reply = state_ == State::unusable ? replies::misconfigured() : replies::starting();
        const bool any = turn_away_.accept_from(socket_.fd(), reply, Clock::now());
        if (!any) pause_end_ = Clock::now() + 100ms;  // no descriptor left, or the client has gone
    }
}

void Guardian::on_signals() {
    signalfd_siginfo info{};
    while (read(signals_.get(), &info, sizeof info) == sizeof info) {
        const int number = static_cast<int>(info.ssi_signo);
        if (number == SIGCHLD) has_orphans_ = true;  // perhaps: looked at when it is due
        if (number == SIGHUP && !is_stopping()) on_hangup();
        const bool is_stop = number == SIGTERM || number == SIGINT;
        if (is_stop && !is_stopping()) begin_stop(number == SIGTERM ? "SIGTERM" : "SIGINT");
    }
    on_ready();  // a master that was ready and died at once was ready
    if (master_.go_on_if_stopped()) say(LogLevel::warning, "the master was stopped by a signal; it is told to go on");
    if (const auto status = master_.reap()) on_master_end(*status);
}

void Guardian::on_hangup() {
    if (state_ == State::replacing) return;  // the next master reads the configuration anyway
    if (state_ == State::running) {
        hangup_held_ = master_.ready_fd() >= 0;
        if (!hangup_held_) pass_hangup_on();
        return;
    }
    if (program_.is_replaced()) hand_over();
    policy_.reset();
    problem_.clear();  // asked again, told again
    attempt(load_config(options_.config));
}

// A living master judges the new configuration itself; only what happens at a stop is the guardian's business.
void Guardian::pass_hangup_on() {
    if (program_.is_replaced()) hand_over();
    const auto config = load_config(options_.config);
    if (master_is_older_) return replace_master(config);
    master_.signal(SIGHUP);
    if (config) apply(*config);
}

void Guardian::on_ready() {
    const auto heard = master_.read_ready();
    if (heard == MasterProcess::Ready::nothing_yet) return;
    options_.ready_fd.reset();
    if (heard == MasterProcess::Ready::closed) return;
    policy_.became_ready(Clock::now());
    if (std::exchange(hangup_held_, false)) pass_hangup_on();
    problem_.clear();
    if (!absent_since_) return;
    absent_since_.reset();
    const auto answered = turn_away_.answered() - answered_before_;
    const std::string told = answered == 1 ? "1 client was" : std::to_string(answered) + " clients were";
    say(LogLevel::info, "mail is filtered again; " + told + " told to try again later");
}

void Guardian::on_master_end(int wait_status) {
    const TimePoint now = Clock::now();
    options_.ready_fd.reset();
    hangup_held_ = false;  // the next master reads the configuration anyway
    has_orphans_ = true;
    if (is_stopping()) {
        if (wait_status != 0) say(LogLevel::warning, "the master ended with " + describe_wait_status(wait_status));
        patience_end_ = std::min(now + kDrainPatience, stop_end_);
        return enter(State::draining);
    }
    master_is_older_ = false;
    if (state_ == State::replacing) {
        if (wait_status != 0) say(LogLevel::warning, "the old master ended with " + describe_wait_status(wait_status));
        return attempt(load_config(options_.config));
    }
    begin_absence();
    if (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == kExitConfig) {
        return become_unusable("the master found that its configuration cannot be used (its reason is logged above)");
    }
    const std::string when = plan_next_start(policy_.died(now));
    say(LogLevel::error, "the master ended unasked with " + describe_wait_status(wait_status) + "; starting another " +
                             when + "; Courier defers the messages that it had (432)");
    enter(State::waiting);
}

void Guardian::begin_absence() {
    if (absent_since_) return;
    absent_since_ = Clock::now();
    answered_before_ = turn_away_.answered();
}

void Guardian::begin_stop(const std::string& why) {
    say(LogLevel::info, "stopping: " + why);
    options_.ready_fd.reset();
    socket_.end(on_stop_);
    master_.signal(SIGTERM);
    const TimePoint now = Clock::now();
    stop_end_ = now + kStopLimit;
    patience_end_ = now + (master_.running() ? kStopPatience : kDrainPatience);
    has_orphans_ = true;  // perhaps
    enter(master_.running() ? State::stopping : State::draining);
}

// --- What is due

void Guardian::do_what_is_due(TimePoint now) {
    if (has_orphans_ && state_ != State::stopping) has_orphans_ = !orphans_.clear({master_.pid()});
    if (pause_end_ && now >= *pause_end_) pause_end_.reset();
    turn_clients_away(now);
    if (next_socket_look_ && now >= *next_socket_look_ && !is_stopping()) look_after_socket(now);
    switch (state_) {
        case State::running: break;
        case State::replacing:
            if (now < patience_end_) break;
            say(LogLevel::error, "the old master does not make way and is killed");
            master_.signal(SIGKILL);
            patience_end_ = TimePoint::max();
            break;
        case State::waiting:
            if (now >= next_start_ && (!has_orphans_ || now >= patience_end_)) start_master();
            break;
        case State::unusable:
            if (now >= next_start_) attempt(load_config(options_.config));
            break;
        case State::stopping:
        case State::draining: do_stop_step(now); break;
        case State::ended: break;
    }
}

void Guardian::do_stop_step(TimePoint now) {
    if (state_ == State::stopping && now >= patience_end_) {
        say(LogLevel::error, "the master does not stop and is killed");
        master_.signal(SIGKILL);
        patience_end_ = stop_end_;
        enter(State::draining);
    }
    if (state_ != State::draining) return;
    const bool done = turn_away_.empty() && !has_orphans_ && !master_.running();
    if (!done && now < patience_end_) return;
    turn_away_.finish();
    enter(State::ended);
}

void Guardian::turn_clients_away(TimePoint now) {
    if (state_ == State::draining && !master_.running()) {
        while (turn_away_.accept_from(socket_.fd(), replies::stopping(), now)) {
        }
    }
    turn_away_.serve(now);
}

// While a master lives, or may live soon, clients are its business.
bool Guardian::answers_clients(TimePoint now) const {
    if (state_ == State::unusable) return true;
    return state_ == State::waiting && absent_since_ && now >= *absent_since_ + kShortAbsence;
}

std::optional<TimePoint> Guardian::next_moment() const {
    std::optional<TimePoint> result = turn_away_.next_deadline();
    const auto at_latest = [&](TimePoint moment) { result = result ? std::min(*result, moment) : moment; };
    if (pause_end_) at_latest(*pause_end_);
    if (next_socket_look_ && !is_stopping()) at_latest(*next_socket_look_);
    switch (state_) {
        case State::running:
        case State::ended: break;
        case State::waiting: {
            const TimePoint now = Clock::now();
            at_latest(has_orphans_ && now >= next_start_ ? std::min(patience_end_, now + 10ms) : next_start_);
            if (absent_since_ && !answers_clients(now)) at_latest(*absent_since_ + kShortAbsence);
            break;
        }
        case State::unusable: at_latest(next_start_); break;
        case State::replacing:
        case State::stopping: at_latest(patience_end_); break;
        case State::draining: at_latest(std::min(patience_end_, Clock::now() + 10ms)); break;
    }
    return result;
}

}  // namespace pythonfilter
