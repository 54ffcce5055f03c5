// ServiceManager: the server's side of sd_notify(3): it tells systemd that it is ready, stopping and alive,
// and gives it the listening socket to keep while the process is away. One datagram each, to the path in the
// environment; without one nothing is told to anybody. Own code, because libsystemd finds that path in the environment
// with each call, where filters would find it too. Called by serve.cpp and by the server in the foreground.
#pragma once

#include "base/clock.h"
#include "base/unique_fd.h"
#include "master/listen_socket.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pythonfilter {

class ServiceManager {
public:
    /// Takes NOTIFY_SOCKET, WATCHDOG_USEC, LISTEN_FDS and their like out of the environment.
    static ServiceManager from_environment();

    /// Whether there is one.
    bool present() const { return static_cast<bool>(socket_); }
    /// The longest time between two calls of alive(); nothing when nobody counts.
    std::optional<Duration> watchdog() const { return watchdog_; }
    /// Names of the descriptors that it keeps; at the start they were handed back, from number 3 on.
    const std::vector<std::string>& kept_names() const { return kept_names_; }

    void ready(std::string_view status);
    void stopping(Duration at_most);
    void alive();
    void status(std::string_view text);

    /// Has the socket kept in the place of the one kept before. A new process finds it at number 3, under a name that
    /// says which file it is bound to.
    void keep(const ListenSocket& socket);
    static std::string kept_name(dev_t device, ino_t inode);

private:
    void tell(std::string_view text, const std::vector<int>& fds = {});

    UniqueFd socket_;
    std::optional<Duration> watchdog_;
    std::vector<std::string> kept_names_;
};

}  // namespace pythonfilter
