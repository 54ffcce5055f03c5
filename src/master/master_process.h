// MasterProcess: one master as the guardian's child: how it is born (fork and exec of this very program), told, heard
// and buried. Called by the guardian. When to start one is not decided here. The master lives on when the guardian
// dies, so it asks for no death signal; it must never inherit a descriptor but those named here.
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"

#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace pythonfilter {

// What the two say to each other at the start. After an upgrade the guardian may be of an older build than the master
// it starts: these must stay as they are.
inline constexpr const char* kMasterOption = "--master-of-guardian";
inline constexpr const char* kOpenFilesOption = "--open-files";  // soft limit that the guardian began with
inline constexpr int kMasterListenFd = 10;
inline constexpr int kMasterReadyFd = 11;

struct MasterProgram {
    std::string path;                    // a file, not /proc/self/exe: after an upgrade the new program is started
    std::vector<std::string> arguments;  // from argv[0] on
};

class MasterProcess {
public:
    explicit MasterProcess(MasterProgram program) : program_(std::move(program)) {}

    /// None may be running. Descriptors 0, 1, 2 are inherited; `listen_fd` is lent.
    Status start(int listen_fd);
    /// A ready master that is a child of this process already.
    Status adopt(pid_t pid);
    /// Does nothing when none is running.
    void signal(int number);
    /// The wait status of a master that has ended since the last call.
    std::optional<int> reap();

    /// Whatever stopped it, nobody would serve for as long as that lasts: it gets SIGCONT. True when it was stopped.
    bool go_on_if_stopped();

    enum class Ready { nothing_yet, ready, closed };
    /// What the ready pipe says; after `ready` and `closed` there is no pipe any more.
    Ready read_ready();
    int ready_fd() const { return ready_.get(); }  // -1: nothing to wait for

    pid_t pid() const { return pid_; }             // 0: none is running
    bool running() const { return pid_ > 0; }

private:
    MasterProgram program_;
    pid_t pid_ = 0;   // 0 exactly when pidfd_ is empty
    UniqueFd pidfd_;
    UniqueFd ready_;  // read end
};

}  // namespace pythonfilter
