// Unix sockets by path: the address, and a connect with a deadline. Used by whoever listens, and by the programs that
// ask the server.
#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "base/unique_fd.h"

#include <optional>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <variant>

namespace pythonfilter {

/// Nothing when the path does not fit into an address.
std::optional<sockaddr_un> unix_address(const std::string& path);

inline const sockaddr* generic(const sockaddr_un& address) { return reinterpret_cast<const sockaddr*>(&address); }

/// A stream socket: non-blocking, close-on-exec.
UniqueFd new_unix_socket();

/// Whether somebody listens there: a stale socket refuses, a full backlog is somebody.
bool has_living_server(const std::string& path);

/// The connection, non-blocking. A full backlog is waited for until `deadline`. The number is that of errno.
struct ConnectFailure {
    int error_number = 0;
};
std::variant<UniqueFd, ConnectFailure> connect_unix(const std::string& path, TimePoint deadline);

}  // namespace pythonfilter
