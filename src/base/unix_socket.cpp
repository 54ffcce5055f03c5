#include "base/unix_socket.h"

#include <cerrno>
#include <cstring>
#include <poll.h>

namespace pythonfilter {
namespace {

constexpr int kPauseMs = 10;  // between two attempts: nothing tells when a backlog has room

}  // namespace

std::optional<sockaddr_un> unix_address(const std::string& path) {
    sockaddr_un address{};
    if (path.size() >= sizeof address.sun_path) return std::nullopt;
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    return address;
}

UniqueFd new_unix_socket() { return UniqueFd(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)); }

bool has_living_server(const std::string& path) {
    const auto address = unix_address(path);
    const UniqueFd probe = new_unix_socket();
    if (!address || !probe) return false;
    return connect(probe.get(), generic(*address), sizeof *address) == 0 || errno == EAGAIN;
}

std::variant<UniqueFd, ConnectFailure> connect_unix(const std::string& path, TimePoint deadline) {
    const auto address = unix_address(path);
    if (!address) return ConnectFailure{ENAMETOOLONG};
    UniqueFd client = new_unix_socket();
    if (!client) return ConnectFailure{errno};
    while (connect(client.get(), generic(*address), sizeof *address) != 0) {
        if (errno == EINTR) continue;
        if (errno != EAGAIN) return ConnectFailure{errno};
        if (Clock::now() >= deadline) return ConnectFailure{ETIMEDOUT};
        poll(nullptr, 0, kPauseMs);
    }
    return client;
}

}  // namespace pythonfilter
