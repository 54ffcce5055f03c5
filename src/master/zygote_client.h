// ZygoteClient: the master's end of one zygote: starts the program, tells it its filters, asks for forks, and reports
// what it says. A zygote that says what it should not is killed. Which workers exist is the pool's business.
#pragma once

#include "base/packet.h"
#include "base/unique_fd.h"
#include "master/line_reader.h"
#include "master/loop.h"
#include "message/zygote_protocol.h"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <sys/types.h>
#include <vector>

namespace pythonfilter {

/// What a zygote is started from: Python's program, with this library preloaded.
struct ZygoteProgram {
    std::string library;
    std::map<std::string, std::string> env;  // over our own environment: there before its interpreter is
};

/// Where the library lies that makes Python's program a zygote.
std::string preload_library();
/// An error when it is not there, or the dynamic linker could not preload it.
Status check_preload_library(const std::string& path);

class ZygoteClient {
public:
    struct Callbacks {
        /// hello is not among them: its build id has been compared.
        std::function<void(ZygoteReport, UniqueFd pidfd)> on_report;
        std::function<void(std::string reason)> on_dead;  // reaped; the last callback
        std::function<void(std::string_view)> on_line;    // its stderr
    };

    static Result<std::unique_ptr<ZygoteClient>> start(Loop& loop, const ZygoteProgram& program, const ZygoteSpec& spec,
                                                       Callbacks callbacks);
    ~ZygoteClient();
    ZygoteClient(const ZygoteClient&) = delete;
    ZygoteClient& operator=(const ZygoteClient&) = delete;

    pid_t pid() const { return pid_; }
    /// Asks for a worker; the descriptors are lent.
    Status fork(const ForkRequest& request, const std::vector<int>& fds);
    /// A worker shall stand back for others. A zygote that cannot be told is about to end.
    void slow(const SlowOrder& order);
    /// Closes the socket: it kills what workers it still has and exits.
    void close();
    void kill(std::string reason);

private:
    ZygoteClient(Loop& loop, pid_t pid, UniqueFd socket, UniqueFd pidfd, UniqueFd error, Callbacks callbacks);
    void read_reports();
    void take(Packet& packet);
    void died();

    pid_t pid_;
    UniqueFd socket_, pidfd_;
    Callbacks callbacks_;
    std::string reason_;    // why we killed it
    bool greeted_ = false;  // its hello carried our build id
    bool dead_ = false;
    Packet packet_;
    LineReader error_lines_;
    std::unique_ptr<IoWatch> socket_watch_, pidfd_watch_;
};

}  // namespace pythonfilter
