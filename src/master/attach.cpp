#include "master/attach.h"

#include "base/clock.h"
#include "base/log_sink.h"
#include "base/unix_socket.h"
#include "master/listen_socket.h"
#include "master/privileges.h"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

namespace pythonfilter {
namespace {

constexpr Duration kServiceLimit = 60s;  // for the service to answer; until then `courierfilter start` waits
constexpr int kLookMs = 100;
constexpr int kLogPatienceMs = 1000;

void tell(LogLevel level, const std::string& text) {
    LogSink log(STDERR_FILENO);
    log.line(level, text);
    log.flush_for(kLogPatienceMs);
}

// True when stdin has ended within the time; -1: no limit.
bool stdin_ends_within(int milliseconds) {
    pollfd entry{STDIN_FILENO, POLLIN, 0};
    if (poll(&entry, 1, milliseconds) <= 0) return false;
    char chunk[256];
    return read(STDIN_FILENO, chunk, sizeof chunk) <= 0;
}

// Nobody behind it: Courier answers 432 to every message.
void leave_dead_socket(const Config& config, const SocketPlace& place) {
    struct stat info{};
    if (config.server.on_stop != OnStop::defer || lstat(place.path().c_str(), &info) == 0) return;
    const auto user = become_mail_user(config.courier);
    const auto socket = user ? make_listen_socket(place, LivingServer::refuse) : Result<ListenSocket>(user.error());
    if (!socket) return tell(LogLevel::error, escape(socket.error().text));
    shut_listen_socket(socket->fd.get());
}

}  // namespace

int attach_to_service(const Config& config, UniqueFd ready_fd) {
    const SocketPlace place = socket_place(config);
    const TimePoint limit = Clock::now() + kServiceLimit;
    while (!has_living_server(place.path())) {
        if (Clock::now() >= limit) {
            tell(LogLevel::error, "the service does not answer at " + place.path() +
                                      ": see `systemctl status " + place.name + "`; until it does, mail is deferred");
            leave_dead_socket(config, place);
            break;
        }
        if (stdin_ends_within(kLookMs)) return 0;
    }
    ready_fd.reset();
    while (!stdin_ends_within(-1)) {
    }
    return 0;
}

}  // namespace pythonfilter
