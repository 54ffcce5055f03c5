// Succession: a guardian whose program was replaced on disk, by an upgrade, becomes the new program by exec: the same
// process for courierfilter, with the listening socket and the living master handed on. The new program lets the old
// master finish and starts its own; clients wait at the socket meanwhile. Called by the guardian and by serve.cpp.
#pragma once

#include "base/unique_fd.h"
#include "master/listen_socket.h"
#include "master/master_process.h"

#include <csignal>
#include <optional>
#include <string>
#include <sys/types.h>

namespace pythonfilter {

inline constexpr const char* kSuccessorOption = "--successor-of-guardian";
inline constexpr int kMakeWaySignal = SIGUSR2;  // to a master: finish what is in work, leave the socket, end

/// What the old guardian leaves. The socket itself is descriptor kMasterListenFd.
struct Heritage {
    pid_t master = 0;   // 0: none was running
    dev_t device = 0;   // the file that the socket is bound to
    ino_t inode = 0;

    bool operator==(const Heritage&) const = default;
};

/// As the value of kSuccessorOption. parse_heritage() gives nothing for what to_text() does not write.
std::string to_text(const Heritage& heritage);
std::optional<Heritage> parse_heritage(const std::string& text);

/// The file that this process runs, and whether another stands in its place by now.
class ProgramFile {
public:
    explicit ProgramFile(std::string path);
    /// True when the path leads to another file that can be run.
    bool is_replaced() const;

private:
    std::string path_;
    dev_t device_ = 0;
    ino_t inode_ = 0;  // 0: unknown, so never replaced
};

/// Does not return when it succeeds. `program` says how the guardian's masters are started.
Error become_successor(const MasterProgram& program, int listen_fd, const Heritage& heritage);

/// The socket in descriptor kMasterListenFd, by the address that it is bound to. Nothing: it is not of use.
std::optional<ListenSocket> inherit_socket(const Heritage& heritage);

}  // namespace pythonfilter
