#include "master/control.h"

#include "message/control_protocol.h"
#include "message/metrics.h"
#include "message/server_status_codec.h"

#include <algorithm>
#include <sys/socket.h>
#include <unistd.h>

namespace pythonfilter {
namespace {

std::string joined(const std::vector<std::string>& lines) {
    std::string text;
    for (const std::string& line : lines) text += (text.empty() ? "" : "\n") + line;
    return text;
}

LogLevel log_level_of(std::string_view word) {
    if (word == "debug") return LogLevel::debug;
    if (word == "warning") return LogLevel::warning;
    return word == "error" ? LogLevel::error : LogLevel::output;
}

std::string names_of_commands(bool only_looks) {
    std::string names;
    for (const ControlCommand& command : control_commands()) {
        if (command.reads || !only_looks) names += (names.empty() ? "" : ", ") + std::string(command.name);
    }
    return names;
}

// What is wrong with the arguments; '' when they are those of the table.
std::string problem_with(const ControlCommand& command, const std::map<std::string, std::string>& arguments) {
    for (const auto& [name, value] : arguments) {
        if (command.argument.empty() || name != command.argument)
            return std::string(command.name) + " takes no argument `" + escape(name) + "`";
        const auto& words = command.words;
        if (!words.empty() && std::find(words.begin(), words.end(), value) == words.end())
            return std::string(command.argument) + ": expected " + std::string(command.argument_text) + ", found `" +
                   escape(value) + "`";
    }
    if (command.argument_required && arguments.empty())
        return std::string(command.name) + " needs the argument `" + std::string(command.argument) + "`";
    return {};
}

ControlAnswer succeeded(Json result = Json::object()) { return {ControlFailure::none, {}, std::move(result)}; }

}  // namespace

Control::Control(Loop& loop, Reporter report, ControlActions actions, pid_t guardian)
    : loop_(loop), report_(std::move(report)), actions_(std::move(actions)), own_processes_{getpid()} {
    if (guardian > 1) own_processes_.insert(guardian);
    monitor_.only_looks = true;
    for (Door* door : {&control_, &monitor_}) {
        RequestClients::Callbacks callbacks;
        callbacks.whole = [](std::string_view bytes) -> std::optional<std::size_t> {
            const std::size_t line = bytes.find('\n');
            return line == std::string_view::npos ? std::nullopt : std::optional(line);
        };
        callbacks.on_request = [this, door](ClientId id, const std::string& line) { take_line(*door, id, line); };
        callbacks.bad_request = [](bool) {
            return encode(control_failure(ControlFailure::bad_request, "expected one line of JSON of at most " +
                                                                           std::to_string(kMaxControlRequest) +
                                                                           " bytes"));
        };
        callbacks.too_many = [] {
            return encode(control_failure(ControlFailure::busy, "too many others wait for an answer here"));
        };
        door->clients = std::make_unique<RequestClients>(loop_, kMaxControlRequest, std::move(callbacks));
    }
}

void Control::open(const Config& config) {
    const ControlConfig& control = config.server.control;
    std::vector<std::string> may_look = control.users, problems, again;
    may_look.insert(may_look.end(), control.monitors.begin(), control.monitors.end());
    control_.users = allowed_users(control.users, again);  // told below, once
    monitor_.users = allowed_users(may_look, problems);
    for (const std::string& problem : problems) report_(LogLevel::warning, "server.control: " + problem);
    open(control_, config.control_socket());
    open(monitor_, config.monitor_socket());
}

// Root and our own user reach it in any case.
void Control::open(Door& door, const std::string& path) {
    const bool open_to_others = door.users.size() > std::set<uid_t>{0, geteuid()}.size();
    if (door.socket && door.socket->path() == path && door.socket->is_in_place()) {
        door.socket->set_open_to_others(open_to_others);
        return;
    }
    auto made = ControlSocket::make(path, open_to_others);
    const std::string problem = made ? "" : made.error().text;
    if (problem != door.problem && !made) report_(LogLevel::warning, "no control socket: " + escape(problem));
    door.problem = problem;
    if (!made) return;
    door.listener = std::make_unique<Listener>(loop_, made->take_fd(),
                                               [this, &door](UniqueFd client) { greet(door, std::move(client)); });
    door.socket = std::move(*made);
}

void Control::greet(Door& door, UniqueFd client) {
    const std::string why = refusal(door, client);
    if (why.empty()) return door.clients->adopt(std::move(client));
    const std::string text = encode(control_failure(ControlFailure::not_permitted, why));
    send(client.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

std::string Control::refusal(const Door& door, const UniqueFd& client) const {
    const Peer peer = peer_of(client.get());
    if (!door.users.contains(peer.uid)) {
        return "user id " + std::to_string(peer.uid) + " may not: root and the mail user may, and who is listed in " +
               (door.only_looks ? "server.control.users or server.control.monitors" : "server.control.users");
    }
    if (peer.uid == geteuid() && peer.uid != 0 && may_descend_from(peer.pid, own_processes_))
        return "filters, and programs that they start, may not";
    return {};
}

void Control::take_line(Door& door, ClientId id, std::string_view line) {
    const auto request = decode_control_request(line);
    if (!request) {
        return answer(door, id, control_failure(ControlFailure::bad_request,
                                                "expected {\"command\": NAME, \"arguments\": {...}} in one line"));
    }
    const ControlCommand* command = find_control_command(request->command);
    if (!command) {
        return answer(door, id, control_failure(ControlFailure::bad_request,
                                                "there is no command `" + escape(request->command) + "`; known are " +
                                                    names_of_commands(door.only_looks)));
    }
    if (door.only_looks && !command->reads) {
        return answer(door, id, control_failure(ControlFailure::not_permitted,
                                                "this socket is for " + names_of_commands(true) + " only"));
    }
    if (const std::string problem = problem_with(*command, request->arguments); !problem.empty())
        return answer(door, id, control_failure(ControlFailure::bad_request, problem));
    if (!command->reads) report_(LogLevel::info, "control: " + std::string(command->name));
    run(door, id, command->verb, request->arguments.empty() ? "" : request->arguments.begin()->second);
}

void Control::run(Door& door, ClientId id, ControlVerb verb, const std::string& argument) {
    switch (verb) {
        case ControlVerb::status: return answer(door, id, succeeded(to_json(actions_.status())));
        case ControlVerb::stats: return answer(door, id, succeeded(to_json(actions_.stats())));
        case ControlVerb::filters: return answer(door, id, succeeded(to_json(actions_.filters())));
        case ControlVerb::metrics: {
            const auto format = metrics_format(argument).value_or(MetricsFormat::openmetrics);
            return answer(door, id, succeeded(Json{{"text", metrics_text(actions_.snapshot(), format)}}));
        }
        case ControlVerb::reload: return reload(door, id);
        case ControlVerb::drain:
            actions_.drain([this, &door, id] { answer(door, id, succeeded()); });
            return;
        case ControlVerb::resume:
            actions_.resume();
            return answer(door, id, succeeded());
        case ControlVerb::stop:
            want_stop_.push_back(id);
            actions_.stop();
            return;
        case ControlVerb::recycle: {
            const Status begun = actions_.recycle(argument);
            return answer(door, id, begun ? succeeded()
                                          : control_failure(ControlFailure::failed, begun.error().text));
        }
        case ControlVerb::trace: return trace(door, id, argument);
        case ControlVerb::log_level:
            actions_.set_log_level(log_level_of(argument));
            return answer(door, id, succeeded());
    }
}

void Control::reload(Door& door, ClientId id) {
    actions_.reload([this, &door, id](const std::vector<std::string>& problems) {
        if (problems.empty()) answer(door, id, succeeded(Json{{"generation", actions_.status().generation}}));
        else answer(door, id, control_failure(ControlFailure::failed, joined(problems)));
    });
}

void Control::trace(Door& door, ClientId id, const std::string& worker) {
    const Status asked = actions_.trace(
        worker, [this, &door, id](const TraceStatus& trace) { answer(door, id, succeeded(to_json(trace))); });
    if (!asked) answer(door, id, control_failure(ControlFailure::failed, asked.error().text));
}

void Control::answer(Door& door, ClientId id, const ControlAnswer& answer) {
    door.clients->answer(id, encode(answer));
}

void Control::stopped() {
    for (const ClientId id : want_stop_) control_.clients->answer_now(id, encode(succeeded()));
    for (Door* door : {&control_, &monitor_}) {
        door->listener.reset();
        if (door->socket) door->socket->remove();
        door->socket.reset();
    }
}

}  // namespace pythonfilter
