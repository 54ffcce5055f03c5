#include "master/listen_socket.h"

#include "base/unix_socket.h"

#include <cerrno>
#include <cstdio>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace pythonfilter {
namespace {

// Courier's submit runs as the submitting user with the mail group, so the group must be able to connect.
constexpr mode_t kSocketMode = 0660;

Error explain(const std::string& what, int error_number, const std::string& directory) {
    Error error = errno_error(what, error_number);
    if (error_number == ENOENT || error_number == ENOTDIR) {
        error.text += ": create " + directory + " (owner and group: Courier's mail user and group, mode 0750), or set "
                      "courier.localstatedir";
    } else if (error_number == EACCES || error_number == EPERM || error_number == EROFS) {
        error.text += ": user id " + std::to_string(geteuid()) + " must be able to write in " + directory;
    }
    return error;
}

Status check_directory(const std::string& directory) {
    struct stat info{};
    if (stat(directory.c_str(), &info) != 0) return explain("the socket's directory " + directory, errno, directory);
    if (!S_ISDIR(info.st_mode)) return explain("the socket's directory " + directory, ENOTDIR, directory);
    return Done{};
}

Status bind_and_listen(int fd, const std::string& path, const std::string& directory) {
    const auto address = unix_address(path);
    if (!address) {
        return Error{"the socket path " + path + " is longer than " + std::to_string(sizeof address->sun_path - 1) +
                     " bytes, more than a socket address holds: use a shorter instance name or courier.localstatedir"};
    }
    if (unlink(path.c_str()) != 0 && errno != ENOENT) return explain("remove the old " + path, errno, directory);
    if (bind(fd, generic(*address), sizeof *address) != 0) return explain("bind " + path, errno, directory);
    if (chmod(path.c_str(), kSocketMode) != 0) return explain("chmod " + path, errno, directory);
    if (listen(fd, SOMAXCONN) != 0) return errno_error("listen on " + path, errno);
    return Done{};
}

bool is_file(const std::string& path, const ListenSocket& socket) {
    struct stat info{};
    return lstat(path.c_str(), &info) == 0 && info.st_dev == socket.device && info.st_ino == socket.inode;
}

// In one step: whoever looks sees the old socket or the new one.
Status link_over(const std::string& from, const SocketPlace& place) {
    const std::string path = place.path();
    const std::string step = place.spare_path() + ".new";
    unlink(step.c_str());
    if (link(from.c_str(), step.c_str()) != 0) return explain("link " + from + " to " + step, errno, place.directory);
    if (rename(step.c_str(), path.c_str()) == 0) return Done{};
    const int error_number = errno;
    unlink(step.c_str());
    return explain("rename " + step + " to " + path, error_number, place.directory);
}

Status publish(ListenSocket& socket) {
    const std::string spare = socket.place.spare_path();
    struct stat info{};
    if (stat(spare.c_str(), &info) != 0) return errno_error("stat " + spare, errno);
    socket.device = info.st_dev;
    socket.inode = info.st_ino;
    if (Status linked = link_over(spare, socket.place); !linked) return linked;
    const std::string other = socket.place.other_directory + "/" + socket.place.name;
    if (unlink(other.c_str()) != 0 && errno != ENOENT && errno != ENOTDIR) {
        return explain("remove " + other + " (Courier would ask it as well)", errno, socket.place.other_directory);
    }
    return Done{};
}

}  // namespace

SocketPlace socket_place(const Config& config) {
    return {config.socket_directory(), config.other_socket_directory(), config.instance};
}

SocketPlace default_socket_place(const CourierDirs& courier, const std::string& instance) {
    return {courier.localstatedir + "/allfilters", courier.localstatedir + "/filters", instance};
}

Result<ListenSocket> make_listen_socket(const SocketPlace& place, LivingServer living) {
    if (const Status status = check_directory(place.directory); !status) return status.error();
    ListenSocket socket{new_unix_socket(), place};
    if (!socket.fd) return errno_error("socket", errno);
    socket.took_over = has_living_server(place.path()) || has_living_server(place.other_directory + "/" + place.name);
    if (socket.took_over && living == LivingServer::refuse) {
        return Error{"another server is answering at " + place.path() +
                     ": stop it first, or start this one under another name"};
    }
    if (const Status status = bind_and_listen(socket.fd.get(), place.spare_path(), place.directory); !status)
        return status.error();
    if (const Status status = publish(socket); !status) return status.error();
    return socket;
}

std::optional<ListenSocket> adopt_listen_socket(UniqueFd fd, const SocketPlace& place, dev_t device, ino_t inode) {
    int listening = 0;
    socklen_t size = sizeof listening;
    if (getsockopt(fd.get(), SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) != 0 || listening == 0) return std::nullopt;
    ListenSocket socket{std::move(fd), place, false, device, inode};
    if (path_owner(socket) == PathOwner::us) return socket;
    if (path_owner(socket) == PathOwner::another || !put_back(socket)) return std::nullopt;
    return socket;
}

void shut_listen_socket(int fd) { shutdown(fd, SHUT_RDWR); }

bool is_listening(int fd) {
    pollfd probe{fd, POLLIN, 0};
    return poll(&probe, 1, 0) >= 0 && (probe.revents & (POLLHUP | POLLNVAL | POLLERR)) == 0;
}

PathOwner path_owner(const ListenSocket& socket) {
    struct stat info{};
    const std::string path = socket.place.path();
    if (lstat(path.c_str(), &info) != 0) return PathOwner::nobody;
    return is_file(path, socket) ? PathOwner::us : PathOwner::another;
}

Status put_back(const ListenSocket& socket) {
    const std::string spare = socket.place.spare_path();
    if (!is_file(spare, socket)) return Error{spare + ", the spare link of the socket, is gone too"};
    return link_over(spare, socket.place);
}

void remove_socket_for_stop(const ListenSocket& socket, OnStop on_stop) {
    const std::string path = socket.place.path(), spare = socket.place.spare_path();
    if (is_file(spare, socket)) unlink(spare.c_str());
    if (on_stop == OnStop::pass && is_file(path, socket)) unlink(path.c_str());
}

}  // namespace pythonfilter
