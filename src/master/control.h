// The control sockets of the server: one for all commands, one for those that only look. Checks who asks, finds the
// command in the table and has it done by the server's actions; what takes time is answered later. It answers whatever
// the workers do, because nothing here waits. Owned by the server; decides nothing about messages.
#pragma once

#include "config/config.h"
#include "master/request_clients.h"
#include "master/control_socket.h"
#include "master/listener.h"
#include "master/reporter.h"
#include "message/control_commands.h"
#include "message/server_status.h"

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace pythonfilter {

struct ControlRequest;
struct ControlAnswer;

/// What the commands do, as the server has it.
struct ControlActions {
    using Problems = std::vector<std::string>;

    std::function<ServerStatus()> status;
    std::function<ServerStats()> stats;
    std::function<std::vector<FilterStats>()> filters;
    std::function<ServerSnapshot()> snapshot;
    /// `done`: it serves, or why it was given up.
    std::function<void(std::function<void(Problems)> done)> reload;
    /// `done`: no message is in work.
    std::function<void(std::function<void()> done)> drain;
    std::function<void()> resume;
    /// Answered by stopped().
    std::function<void()> stop;
    /// An empty name: all pools.
    std::function<Status(const std::string& pool)> recycle;
    /// `done`: where the filter of this worker is, or why that is not known; within a second.
    std::function<Status(const std::string& worker, std::function<void(TraceStatus)> done)> trace;
    std::function<void(LogLevel)> set_log_level;
};

class Control {
public:
    /// `guardian`: its pid; 0 where there is none. Its descendants other than us are refused, like ours.
    Control(Loop& loop, Reporter report, ControlActions actions, pid_t guardian);

    /// Makes the sockets, or those that are not in their place any more, and takes over who may speak. A socket that
    /// cannot be made is logged; mail does not need it.
    void open(const Config& config);
    /// For the end of the server: those who asked for a stop hear that it is done, and the sockets go.
    void stopped();

private:
    struct Door {
        bool only_looks = false;
        std::optional<ControlSocket> socket;
        std::unique_ptr<RequestClients> clients;
        std::unique_ptr<Listener> listener;
        std::set<uid_t> users;
        std::string problem;  // that was told of it
    };

    void open(Door& door, const std::string& path);
    void greet(Door& door, UniqueFd client);
    std::string refusal(const Door& door, const UniqueFd& client) const;
    void take_line(Door& door, ClientId id, std::string_view line);
    void run(Door& door, ClientId id, ControlVerb verb, const std::string& argument);
    void reload(Door& door, ClientId id);
    void trace(Door& door, ClientId id, const std::string& worker);
    void answer(Door& door, ClientId id, const ControlAnswer& answer);

    Loop& loop_;
    Reporter report_;
    ControlActions actions_;
    std::set<pid_t> own_processes_;
    Door control_, monitor_;
    std::vector<ClientId> want_stop_;  // clients of control_
};

}  // namespace pythonfilter
