#include "ctl/ask.h"

#include "base/unix_socket.h"

#include <cerrno>
#include <cstring>
#include <optional>
#include <poll.h>

namespace pythonfilter {
namespace {

constexpr std::size_t kMaxAnswer = 64 * 1024 * 1024;

Asked problem(ExitStatus status, std::string text) { return {status, std::move(text), {}}; }

Asked no_connection(const std::string& path, int error_number) {
    const std::string text = path + ": " + std::strerror(error_number);
    switch (error_number) {
        case EACCES:
        case EPERM: return problem(exit_not_permitted, text);
        case ETIMEDOUT: return problem(exit_no_answer, text);
        case ECONNREFUSED:
            return problem(exit_no_server, text + ": the server is not running, or has no usable configuration "
                                                  "(`pythonfilter check` tells)");
        case ENOENT:
            return problem(exit_no_server, text + ": no server of this name has run here, or its sockets are "
                                                  "elsewhere (--name, --config, --socket)");
        default: return problem(exit_no_server, text);
    }
}

// False when the deadline has passed.
bool wait_for(int fd, short events, TimePoint deadline) {
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
        if (left <= 0) return false;
        pollfd state{fd, events, 0};
        const int n = poll(&state, 1, static_cast<int>(std::min<long>(left, 60'000)));
        if (n > 0) return true;
        if (n < 0 && errno != EINTR) return false;
    }
}

// A server that refuses us may close before it has read: what it said can still be read.
bool send_all(int fd, std::string_view text, TimePoint deadline) {
    while (!text.empty()) {
        const ssize_t n = send(fd, text.data(), text.size(), MSG_NOSIGNAL);
        if (n >= 0) text.remove_prefix(static_cast<std::size_t>(n));
        else if (errno == EPIPE || errno == ECONNRESET) return true;
        else if (errno != EINTR && (errno != EAGAIN || !wait_for(fd, POLLOUT, deadline))) return false;
    }
    return true;
}

// The line without its LF; what came before the end where there is none. Nothing when it did not come in time.
std::optional<std::string> read_line(int fd, TimePoint deadline) {
    std::string line;
    char chunk[65536];
    for (;;) {
        const ssize_t n = recv(fd, chunk, sizeof chunk, 0);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) {
            if (!wait_for(fd, POLLIN, deadline)) return std::nullopt;
            continue;
        }
        if (n <= 0) return line;
        line.append(chunk, static_cast<std::size_t>(n));
        if (line.back() == '\n') {
            line.pop_back();
            return line;
        }
        if (line.size() > kMaxAnswer) return line;
    }
}

Asked meaning(const ControlAnswer& answer) {
    switch (answer.failure) {
        case ControlFailure::none: return {exit_ok, {}, answer.result};
        case ControlFailure::bad_request: return problem(exit_usage, answer.error);
        case ControlFailure::not_permitted: return problem(exit_not_permitted, answer.error);
        case ControlFailure::busy: return problem(exit_no_answer, answer.error);
        case ControlFailure::failed: return problem(exit_failed, answer.error);
    }
    return problem(exit_failed, answer.error);
}

Asked ask(const std::string& path, const ControlRequest& request, TimePoint deadline) {
    auto connected = connect_unix(path, deadline);
    if (const auto* failure = std::get_if<ConnectFailure>(&connected))
        return no_connection(path, failure->error_number);
    const UniqueFd client = std::move(std::get<UniqueFd>(connected));
    if (!send_all(client.get(), encode(request), deadline))
        return problem(exit_no_answer, path + ": the server did not read the command");
    const auto line = read_line(client.get(), deadline);
    if (!line) return problem(exit_no_answer, path + ": no answer in time");
    const auto answer = decode_control_answer(*line);
    if (!answer) return problem(exit_no_server, path + ": the server ended, or it is no pythonfilter of our age");
    return meaning(*answer);
}

bool another_may_do(ExitStatus status) { return status == exit_not_permitted || status == exit_no_server; }

}  // namespace

Asked ask(const std::vector<std::string>& paths, const ControlRequest& request, Duration timeout) {
    const TimePoint deadline = Clock::now() + timeout;
    Asked first = ask(paths.front(), request, deadline);
    for (std::size_t i = 1; i < paths.size() && another_may_do(first.status); ++i) {
        Asked next = ask(paths[i], request, deadline);
        if (!another_may_do(next.status)) return next;
    }
    return first;
}

}  // namespace pythonfilter
