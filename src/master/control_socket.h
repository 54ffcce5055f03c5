// A control socket's birth and end, and who may speak there. Bound beside its path, made accessible, listening, and
// only then renamed into place, so that a stale socket is replaced in one step and nobody sees one that refuses.
// Something that is no socket is never replaced. At the end only the own one is removed: a successor may have taken the
// path.
//
// Whoever runs as the mail user may give commands, but filters run as the mail user too: a peer that descends from the
// server is refused. That holds for a filter that asks; against hostile code only the sandbox helps, since a process
// that ends between connect and the look at its ancestors may leave its number to another.
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"
#include "config/config.h"

#include <set>
#include <string>
#include <sys/types.h>
#include <vector>

namespace pythonfilter {

class ControlSocket {
public:
    /// `open_to_others`: users other than root and our own can connect at all.
    static Result<ControlSocket> make(const std::string& path, bool open_to_others);
    ControlSocket(ControlSocket&&) = default;
    ControlSocket& operator=(ControlSocket&&) = default;

    const std::string& path() const { return path_; }
    /// To be given to a listener.
    UniqueFd take_fd() { return std::move(fd_); }
    void set_open_to_others(bool open) const;
    /// Unlinks the path if it is still ours.
    void remove() const;
    bool is_in_place() const;

private:
    ControlSocket() = default;

    UniqueFd fd_;
    std::string path_;
    dev_t device_ = 0;
    ino_t inode_ = 0;
};

/// Who is at the other end, as the kernel says it of the moment of the connect.
struct Peer {
    uid_t uid = static_cast<uid_t>(-1);
    pid_t pid = 0;  // 0: not to be seen from here
};
Peer peer_of(int client);

/// The process descends from one of `roots`, or it is gone so that nobody can tell.
bool may_descend_from(pid_t process, const std::set<pid_t>& roots);

/// Root and our own user, and the uids of `names`; of an unknown name `problems` tells.
std::set<uid_t> allowed_users(const std::vector<std::string>& names, std::vector<std::string>& problems);

}  // namespace pythonfilter
