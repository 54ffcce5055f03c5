// The guardian's way from a configuration to a running master, or to the reason why there is none.
#include "master/guardian.h"
#include "master/privileges.h"

#include <algorithm>
#include <cassert>
#include <csignal>
#include <cstdio>
#include <unistd.h>

namespace pythonfilter {
namespace {

constexpr Duration kRetryConfig = 60s;
constexpr Duration kRetrySocket = 5s;  // sooner: without a socket mail passes unfiltered
constexpr Duration kOrphanPatience = 200ms;

std::string describe_delay(Duration delay) {
    if (delay == Duration::zero()) return "at once";
    char text[32];
    std::snprintf(text, sizeof text, "in %.1f s", to_seconds(delay));
    return text;
}

}  // namespace

void Guardian::attempt(Result<Config> config) {
    if (!config) return become_unusable(config.error().text);
    apply(*config);
    if (const Status status = settle(config->courier); !status) {
        return become_unusable(escape(status.error().text));
    }
    if (const Status status = ensure_socket(socket_place(*config)); !status) {
        return become_unusable(status.error().text);
    }
    plan_next_start(Duration::zero());
    enter(State::waiting);
}

void Guardian::apply(const Config& config) {
    on_stop_ = config.server.on_stop;
    log_.set_format(config.log.format);
}

// User and environment: what the master inherits. Does nothing the second time.
Status Guardian::settle(const CourierDirs& courier) {
    const auto user = become_mail_user(courier);
    if (!user) return user.error();
    if (!user->warning.empty() && !socket_.place()) say(LogLevel::warning, user->warning);
    set_filter_environment(courier);
    return Done{};
}

Status Guardian::ensure_socket(const SocketPlace& place) {
    const auto took_over = socket_.ensure(place, turn_away_);
    if (!took_over) return Error{escape(took_over.error().text)};
    next_socket_look_ = Clock::now();  // it may have gone before it was watched
    if (*took_over) {
        say(LogLevel::warning, "another server was answering at " + escape(place.path()) + ": this one replaces it");
    }
    return Done{};
}

// Nobody may wait for a start that will not come soon: fd 3 is closed, and clients are answered.
void Guardian::become_unusable(const std::string& why) {
    const Status any_socket = ensure_any_socket();
    const Duration retry = any_socket ? kRetryConfig : kRetrySocket;
    if (why != problem_) explain_problem(why, retry, any_socket);
    problem_ = why;
    options_.ready_fd.reset();
    begin_absence();
    next_start_ = Clock::now() + retry;
    enter(State::unusable);
}

// Without a usable configuration: no socket would mean that mail passes unfiltered.
Status Guardian::ensure_any_socket() {
    if (socket_.is_listening()) return Done{};
    const CourierDirs courier = find_courier_dirs();
    const Status user = settle(courier);  // failed: a socket of root is still better than none, Courier answers 432
    return ensure_socket(socket_.place() ? *socket_.place() : default_socket_place(courier, options_.config.instance));
}

// Without its path nobody asks us, and mail passes unfiltered. A new socket needs a new master, who gets it at birth.
void Guardian::look_after_socket(TimePoint now) {
    next_socket_look_.reset();
    const auto finding = socket_.look();
    if (finding == SocketKeeper::Finding::put_back)
        say(LogLevel::warning, SocketKeeper::describe_put_back(*socket_.place()));
    if (finding == SocketKeeper::Finding::lost) replace_lost_socket();
    else socket_problem_.clear();
    if (socket_.must_look_again()) next_socket_look_ = now + SocketKeeper::kLookAgain;
}

void Guardian::replace_lost_socket() {
    const SocketPlace place = *socket_.place();
    const std::string loss = socket_.keeper().describe_loss(place);  // the new socket has another keeper
    const Status status = ensure_socket(place);
    if (status) master_.signal(SIGTERM);
    const std::string problem = loss + ": " + (status ? "there is a new one, for a new master" : status.error().text);
    if (problem != socket_problem_) say(LogLevel::error, problem);
    socket_problem_ = problem;
}

void Guardian::explain_problem(const std::string& why, Duration retry, const Status& any_socket) {
    const std::string headline =
        any_socket ? "cannot serve, so every message is answered `451 4.3.0` (try again later), because:"
                   : "cannot serve and has no socket, so mail may pass unfiltered (" + any_socket.error().text +
                         "), because:";
    explain(headline, why, " (it also tries again every " + std::to_string(retry / 1s) + " s)");
}

// `again`: what happens without the administrator.
void Guardian::explain(const std::string& headline, const std::string& why, const std::string& again) {
    say(LogLevel::error, headline);
    for (std::size_t at = 0; at < why.size();) {
        const std::size_t end = std::min(why.find('\n', at), why.size());
        say(LogLevel::error, why.substr(at, end - at));
        at = end + 1;
    }
    say(LogLevel::error, "mend this, then send SIGHUP to process " + std::to_string(getpid()) + again +
                             "; `pythonfilter check` tells whether the configuration is good");
}

std::string Guardian::plan_next_start(Duration delay) {
    next_start_ = Clock::now() + delay;
    patience_end_ = next_start_ + kOrphanPatience;
    return describe_delay(delay);
}

void Guardian::start_master() {
    assert(socket_.place());
    if (!socket_.is_listening()) {  // the last master shut it: somebody told it to stop, but not us
        const SocketPlace place = *socket_.place();
        const Status status = ensure_socket(place);
        if (!status) return become_unusable(status.error().text);
    }
    const TimePoint now = Clock::now();
    policy_.started(now);
    if (const Status status = master_.start(socket_.fd()); !status) {
        begin_absence();
        const std::string when = plan_next_start(policy_.died(now));
        say(LogLevel::error, "cannot start a master: " + status.error().text + "; trying again " + when);
        return;
    }
    enter(State::running);
}

}  // namespace pythonfilter
