#include "master/server.h"

#include "base/process.h"
#include "master/succession.h"
#include "message/reply.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace pythonfilter {
namespace {

constexpr Duration kDrainLimit = 10s;  // of a stop, for messages in flight
constexpr Duration kKillLimit = 3s;    // after that, for killed workers to be gone
constexpr int kLastWords = 500;        // milliseconds for the log to be taken
constexpr Duration kStopLimit = kDrainLimit + kKillLimit + 2s;  // what a service manager is told
constexpr Duration kStuckAfter = 15s;  // a message without its answer, after its time was over

// Clients that have not finished their request: a share of what descriptors there are, the rest is for messages.
std::size_t reading_limit() {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    return std::max<std::size_t>(16, std::min<std::size_t>(limit.rlim_cur / 4, 4096));
}

}  // namespace

Server::Server(MasterOptions options, Config config)
    : options_(std::move(options)),
      log_(STDERR_FILENO),
      log_level_(std::getenv("PYTHONFILTER_DEBUG") ? LogLevel::debug : LogLevel::output),
      guardian_(options_.own_socket ? 0 : getppid()),
      report_([this](LogLevel level, const std::string& text, const LogFields& fields) {
          report(level, text, fields);
      }, [this] { return log_.takes_fields(); }),
      generations_(loop_, options_.config, gauge_, report_,
                   {[this](const Config& now) { in_force(now); },
                    [this] { entrance_.close(generations_.current().config().server.message_timeout); },
                    [this] { let_in(); },
                    [this](Generation& next, auto done) { canary_.run(next, std::move(done)); },
                    [this] { leave(); }}),
      router_(gauge_, report_),
      canary_(loop_, router_),
      entrance_(loop_, gauge_, router_),
      sessions_(loop_, config, reading_limit(),
                {[this](SessionId id, Request request, TimePoint accepted) {
                     take_request(id, std::move(request), accepted);
                 },
                 [this](const std::string& problem) {
                     ++without_message_;
                     report_(LogLevel::warning, problem);
                 }}),
      control_(loop_, report_, control_actions(), guardian_),
      page_(loop_, report_, [this] { return snapshot(); }),
      before_wait_(loop_, [this] {
          flush_log();
          if (making_way_ && !stopping_ && sessions_.size() == 0) to_end_.start(0s);
      }),
      to_flush_log_(loop_, [this] { log_pace_.hurry(); }),
      to_tell_dropped_(loop_, [this] { tell_dropped(); }),
      to_look_(loop_, [this] { look_after_socket(); }),
      to_open_control_(loop_, [this] { open_control(); }),
      to_look_at_page_(loop_, [this] { look_at_page(); }),
      to_end_(loop_, [this] { out_of_patience(); }) {
    gauge_.limit = config.server.queue.limit;
    log_.set_format(config.log.format);
    log_limit_.configure(config.log.limit);
    reset_signals();  // whatever blocks or ignores them in our parent: libev would not hear them
    signal(SIGPIPE, SIG_IGN);
    watch_signal(SIGTERM, [this] { options_.keep_socket ? make_way("SIGTERM") : stop("SIGTERM"); });
    watch_signal(SIGINT, [this] { stop("SIGINT"); });
    if (guardian_ != 0) watch_signal(kMakeWaySignal, [this] { make_way("another program takes over"); });
    watch_signal(SIGHUP, [this] { generations_.reload(); });
    if (options_.stop_at_stdin_end)
        stdin_watch_ = std::make_unique<IoWatch>(loop_, STDIN_FILENO, EV_READ, [this] { read_stdin(); });
    generations_.start(std::move(config));
    to_open_control_.start(0s);
    listen_on(std::move(options_.listen_fd));
    if (options_.own_socket) watch_socket();
    if (options_.service) watch_service();
}

int Server::run() {
    loop_.run();
    log_summary();
    log_.flush_for(kLastWords);
    return 0;
}

// ---- socket

void Server::listen_on(UniqueFd socket) {
    listener_ = std::make_unique<Listener>(loop_, std::move(socket), [this](UniqueFd client) {
        sessions_.adopt(std::move(client));
    });
}

void Server::watch_socket() {
    keeper_ = std::make_unique<SocketKeeper>(*options_.own_socket);
    socket_watch_.reset();
    if (keeper_->fd() >= 0)
        socket_watch_ = std::make_unique<IoWatch>(loop_, keeper_->fd(), EV_READ, [this] { look_after_socket(); });
    to_look_.start(0s);  // it may have gone before it was watched
}

void Server::look_after_socket() {
    const auto finding = keeper_->look(*options_.own_socket);
    if (finding == SocketKeeper::Finding::put_back)
        report(LogLevel::warning, SocketKeeper::describe_put_back(options_.own_socket->place));
    if (finding == SocketKeeper::Finding::lost) return replace_lost_socket();
    socket_problem_.clear();
    if (keeper_->must_look_again()) to_look_.start(SocketKeeper::kLookAgain);
}

// Who waits at the old one is answered by its listener, as at a stop: queued clients are handed over.
void Server::replace_lost_socket() {
    ListenSocket& socket = *options_.own_socket;
    // The listener's copy first: without a free descriptor there must be no new socket that nobody serves.
    UniqueFd copy(fcntl(socket.fd.get(), F_DUPFD_CLOEXEC, 3));
    if (!copy) return to_look_.start(SocketKeeper::kLookAgain);
    auto made = make_listen_socket(socket.place, LivingServer::take_over);
    const std::string problem = keeper_->describe_loss(socket.place) + ": " +
                                (made ? "there is a new one" : escape(made.error().text));
    if (problem != socket_problem_) report(LogLevel::error, problem);
    socket_problem_ = problem;
    if (!made) return to_look_.start(SocketKeeper::kLookAgain);
    dup3(made->fd.get(), copy.get(), O_CLOEXEC);
    listener_->stop();
    socket = std::move(*made);
    if (service_ && options_.keep_socket) service_->keep(socket);
    listen_on(std::move(copy));
    watch_socket();
}

// ---- service manager

void Server::watch_service() {
    service_ = std::make_unique<ServiceWatch>(
        loop_, *options_.service,
        ServiceWatch::Callbacks{[this] { return !router_.is_stuck(Clock::now(), kStuckAfter); },
                                [this] { return service_status(); }});
    if (options_.keep_socket) service_->keep(*options_.own_socket);
}

std::string Server::service_status() const {
    const RouterCounters& counters = router_.counters();
    return std::to_string(router_.in_flight()) + " messages in work, " + std::to_string(counters.accepted) +
           " accepted, " + std::to_string(counters.deferred) + " deferred, " + std::to_string(counters.rejected) +
           " rejected";
}

// ---- log

void Server::report(LogLevel level, const std::string& text, const LogFields& fields) {
    if (level < log_level_) return;
    if (level != LogLevel::info) log_pace_.hurry();
    const auto source = LogLimit::source_of(level, fields);
    if (source.kind.empty() || log_limit_.admit(source, Clock::now())) return log_.line(level, text, fields);
    if (!to_tell_dropped_.active()) to_tell_dropped_.start(log_limit_.interval());
}

void Server::tell_dropped() {
    for (const LogLimit::Dropped& dropped : log_limit_.take_dropped())
        log_.line(LogLevel::warning, log_limit_.describe(dropped), dropped.fields);
}

void Server::flush_log() {
    if (log_.waiting() == 0) return;
    const TimePoint now = Clock::now();
    if (!log_watch_ && !log_pace_.is_due(now, log_.waiting())) {
        if (!to_flush_log_.active()) to_flush_log_.start_at(log_pace_.due());
        return;
    }
    log_pace_.written(now);
    to_flush_log_.stop();
    if (log_.flush()) {
        log_watch_.reset();
    } else if (!log_watch_ && log_.poll_fd() >= 0) {
        log_watch_ = std::make_unique<IoWatch>(loop_, log_.poll_fd(), EV_WRITE, [] {});  // flushed before the next wait
    }
}

void Server::log_summary() {
    tell_dropped();
    const RouterCounters& counters = router_.counters();
    report(LogLevel::info, "stopped: " + std::to_string(counters.accepted) + " messages accepted, " +
                               std::to_string(counters.deferred) + " deferred, " + std::to_string(counters.rejected) +
                               " rejected, " + std::to_string(counters.client_gone) + " without a client");
    if (counters.breakers_opened > 0)
        report(LogLevel::info, "breakers: opened " + std::to_string(counters.breakers_opened) + " times");
    if (counters.poisoned > 0)
        report(LogLevel::info, std::to_string(counters.poisoned) + " messages not run again");
    for (int event = 0; event < kFailureEvents; ++event) {
        for (const auto action : {FailureAction::skip, FailureAction::defer, FailureAction::reject}) {
            const auto uses = counters.policy_uses[static_cast<std::size_t>(event)][static_cast<std::size_t>(action)];
            if (uses == 0) continue;
            report(LogLevel::info, "failure policy: " + std::string(to_string(static_cast<FailureEvent>(event))) +
                                       ": " + std::string(to_string(action)) + " " + std::to_string(uses) + " times");
        }
    }
}

// ---- messages

void Server::take_request(SessionId id, Request&& request, TimePoint accepted) {
    Client client{[this, id] { return sessions_.hung_up(id); },
                  [this, id](std::string_view reply) { return sessions_.reply(id, reply); }};
    if (stopping_)
        router_.turn_away(request, accepted, client, OwnAnswer::stopping);
    else if (draining_)
        router_.turn_away(request, accepted, client, OwnAnswer::draining);
    else if (entrance_.is_closed()) entrance_.hold(std::move(request), accepted, std::move(client));
    else router_.begin(generations_.current(), std::move(request), accepted, std::move(client));
}

// ---- start, reload, stop

void Server::watch_signal(int number, std::function<void()> callback) {
    signals_.emplace_back(loop_, number, std::move(callback));
}

void Server::in_force(const Config& config) {
    log_.set_format(config.log.format);
    log_limit_.configure(config.log.limit);
    gauge_.limit = config.server.queue.limit;
    sessions_.configure(config);
    log_pace_.hurry();
    flush_log();  // that it is in force stands there before anybody is told
    if (service_) service_->ready();
    to_open_control_.start(0s);
    if (!options_.ready_fd) return;
    const ssize_t written = write(options_.ready_fd.get(), "R", 1);
    if (written != 1) report(LogLevel::warning, "nobody waits to hear that the server is ready");
    options_.ready_fd.reset();
}

void Server::read_stdin() {
    char chunk[256];
    const ssize_t n = read(STDIN_FILENO, chunk, sizeof chunk);
    if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR))) return;
    stdin_watch_.reset();
    stop("end of stdin");
}

void Server::stop(const std::string& reason) {
    if (stopping_) return;
    stopping_ = true;
    if (!making_way_)
        report(LogLevel::info,
               "stopping: " + reason + "; " + std::to_string(router_.in_flight()) + " messages in flight");
    if (service_) service_->stopping(kStopLimit);
    if (options_.keep_socket) listener_->leave();
    else listener_->stop();
    socket_watch_.reset();
    to_look_.stop();
    sessions_.refuse_unfinished(replies::stopping());
    to_end_.start(kDrainLimit);
    entrance_.refuse();
    tell_drainers();
    generations_.stop();
}

// A stop that leaves the socket to the next server. Who has connected is served as ever, the next clients wait there.
void Server::make_way(const std::string& reason) {
    if (stopping_ || making_way_) return;
    making_way_ = true;
    options_.keep_socket = true;
    report(LogLevel::info,
           "making way: " + reason + "; " + std::to_string(router_.in_flight()) + " messages in flight");
    if (service_) service_->stopping(kStopLimit);
    listener_->leave();
    to_end_.start(kDrainLimit);
}

void Server::out_of_patience() {
    if (!stopping_) {
        stop("");
        if (router_.in_flight() > 0) to_end_.start(0s);  // they had their time
        return;
    }
    if (killed_) {
        report(LogLevel::error, "some workers do not end; leaving them");
        return leave();
    }
    killed_ = true;
    report(LogLevel::warning,
           std::to_string(router_.in_flight()) + " messages were not finished in time: their workers are killed");
    to_end_.start(kKillLimit);
    generations_.kill_all("the server is stopping");
}

void Server::leave() {
    control_.stopped();
    page_.close();
    loop_.stop();
}

}  // namespace pythonfilter
