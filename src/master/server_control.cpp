// The part of Server that the control sockets ask: what it tells of itself, and what it does when it is told to.
#include "base/log_format.h"
#include "base/process.h"
#include "build_id.h"
#include "master/server.h"

#include <algorithm>
#include <csignal>
#include <unistd.h>

namespace pythonfilter {

ControlActions Server::control_actions() {
    ControlActions actions;
    actions.status = [this] { return status(); };
    actions.stats = [this] { return stats(); };
    actions.filters = [this] { return filters(); };
    actions.snapshot = [this] { return snapshot(); };
    actions.reload = [this](ReloadWaiters::Done done) { generations_.reload(std::move(done)); };
    actions.drain = [this](std::function<void()> done) { drain(std::move(done)); };
    actions.resume = [this] { draining_ = false; };
    actions.stop = [this] { stop_for_good(); };
    actions.recycle = [this](const std::string& pool) -> Status {
        if (generations_.current().recycle(pool)) return Done{};
        return Error{"there is no pool `" + escape(pool) + "` with filters"};
    };
    actions.trace = [this](const std::string& worker, const std::function<void(TraceStatus)>& done) -> Status {
        if (generations_.trace(worker, done)) return Done{};
        return Error{"there is no worker `" + escape(worker) + "` (`pythonfilterctl status` names them)"};
    };
    actions.set_log_level = [this](LogLevel level) { log_level_ = level; };
    return actions;
}

void Server::open_control() {
    const Config& config = generations_.current().config();
    control_.open(config);
    page_.open(config);
    if (page_.is_wanted()) to_look_at_page_.start(1min);
}

void Server::look_at_page() {
    if (page_.is_missing()) page_.open(generations_.current().config());
    to_look_at_page_.start(1min);
}

ServerStatus Server::status() const {
    const TimePoint now = Clock::now();
    ServerStatus status;
    status.version = PYTHONFILTER_VERSION;
    status.build = PYTHONFILTER_BUILD_ID;
    status.pid = getpid();
    status.uptime_seconds = to_seconds(now - started_);
    status.log_level = level_name(log_level_);
    status.rss_bytes = resident_bytes(status.pid).value_or(0);
    status.connections = static_cast<int>(sessions_.size());
    status.messages_in_work = static_cast<int>(router_.in_flight());
    status.queue = {gauge_.waiting, gauge_.limit};
    generations_.describe(status, now);
    status.state = stopping_ ? "stopping" : draining_ ? "draining" : generations_.settled() ? "serving" : "starting";
    return status;
}

ServerStats Server::stats() const {
    ServerStats stats;
    stats.uptime_seconds = to_seconds(Clock::now() - started_);
    stats.start_time_seconds = to_seconds(start_time_.time_since_epoch());
    stats.connections = sessions_.adopted();
    stats.connections_without_message = without_message_;
    stats.workers = gauge_.workers;
    router_.counters().describe(stats);
    generations_.describe(stats);
    return stats;
}

std::vector<FilterStats> Server::filters() const {
    const Generation& current = generations_.current();
    std::vector<FilterStats> filters = router_.filter_statistics().describe(current.filter_names());
    for (FilterStats& filter : filters) filter.breaker = current.breaker_state(filter.name);
    return filters;
}

ServerSnapshot Server::snapshot() {
    router_.end_minutes(Clock::now());
    ServerSnapshot snapshot{status(), stats(), filters(), {}, {}};
    router_.counters().describe(snapshot.times);
    router_.filter_statistics().describe(snapshot.times);
    router_.filter_statistics().describe(snapshot.hour);
    snapshot.hour.messages = router_.counters().hour.minutes();
    return snapshot;
}

void Server::drain(std::function<void()> done) {
    draining_ = true;
    if (entrance_.is_closed()) drain_later_.push_back(std::move(done));  // who waits there is in work too
    else router_.when_empty(std::move(done));
}

void Server::let_in() {
    entrance_.open(generations_.current());
    tell_drainers();
}

void Server::tell_drainers() {
    for (auto& done : std::exchange(drain_later_, {})) router_.when_empty(std::move(done));
}

// A guardian would start another server: it is the one to be told. When it has died nobody would.
void Server::stop_for_good() {
    if (guardian_ > 1 && getppid() == guardian_ && kill(guardian_, SIGTERM) == 0) return;
    stop("asked for on the control socket");
}

}  // namespace pythonfilter
