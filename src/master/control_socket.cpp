#include "master/control_socket.h"

#include "base/log.h"
#include "base/process_tree.h"
#include "base/unix_socket.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

namespace pythonfilter {
namespace {

constexpr int kMaxDepth = 64;  // of ancestors that are looked at

mode_t mode_of(bool open_to_others) { return open_to_others ? 0666 : 0600; }

Status may_replace(const std::string& path) {
    struct stat info{};
    if (lstat(path.c_str(), &info) != 0 || S_ISSOCK(info.st_mode)) return Done{};
    return Error{path + " is there and is no socket: move it away, or configure another place"};
}

Status bind_at(int fd, const std::string& path, bool open_to_others) {
    const auto address = unix_address(path);
    if (!address) return Error{path + " is longer than a socket address holds: configure another place"};
    if (unlink(path.c_str()) != 0 && errno != ENOENT) return errno_error("remove the old " + path, errno);
    if (bind(fd, generic(*address), sizeof *address) != 0) return errno_error("bind " + path, errno);
    if (chmod(path.c_str(), mode_of(open_to_others)) != 0) return errno_error("chmod " + path, errno);
    if (listen(fd, SOMAXCONN) != 0) return errno_error("listen on " + path, errno);
    return Done{};
}

}  // namespace

Result<ControlSocket> ControlSocket::make(const std::string& path, bool open_to_others) {
    if (const Status status = may_replace(path); !status) return status.error();
    ControlSocket made;
    made.path_ = path;
    made.fd_ = new_unix_socket();
    if (!made.fd_) return errno_error("socket", errno);
    const std::string step = path + ".new";
    struct stat info{};
    Status status = bind_at(made.fd_.get(), step, open_to_others);
    if (status && lstat(step.c_str(), &info) != 0) status = errno_error("stat " + step, errno);
    if (status && rename(step.c_str(), path.c_str()) != 0) status = errno_error("rename " + step, errno);
    if (!status) {
        unlink(step.c_str());
        return status.error();
    }
    made.device_ = info.st_dev;
    made.inode_ = info.st_ino;
    return made;
}

bool ControlSocket::is_in_place() const {
    struct stat info{};
    return lstat(path_.c_str(), &info) == 0 && info.st_dev == device_ && info.st_ino == inode_;
}

void ControlSocket::set_open_to_others(bool open) const {
    if (is_in_place()) chmod(path_.c_str(), mode_of(open));
}

void ControlSocket::remove() const {
    if (is_in_place()) unlink(path_.c_str());
}

Peer peer_of(int client) {
    ucred credentials{};
    socklen_t size = sizeof credentials;
    if (getsockopt(client, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return {};
    return {credentials.uid, credentials.pid};
}

bool may_descend_from(pid_t process, const std::set<pid_t>& roots) {
    for (int depth = 0; depth < kMaxDepth; ++depth) {
        if (roots.contains(process)) return true;
        const auto facts = read_process(process);
        // Another user's, and /proc shows those not: no filter's child can have become one.
        if (!facts) return kill(process, 0) == 0 || errno != EPERM;
        if (facts->parent <= 1) return false;
        process = facts->parent;
    }
    return true;
}

std::set<uid_t> allowed_users(const std::vector<std::string>& names, std::vector<std::string>& problems) {
    std::set<uid_t> users{0, geteuid()};
    for (const std::string& name : names) {
        if (const passwd* user = getpwnam(name.c_str())) users.insert(user->pw_uid);
        else problems.push_back("there is no user '" + escape(name) + "'");
    }
    return users;
}

}  // namespace pythonfilter
