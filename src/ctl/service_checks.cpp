#include "ctl/service_checks.h"

#include "base/run_program.h"

#include <algorithm>
#include <unistd.h>

namespace pythonfilter {
namespace {

constexpr Duration kPatience = 5s;
constexpr const char* kCourierfilter = "courierfilter.service";

std::string unit_name(const std::string& instance) { return instance + ".service"; }

std::string value(const UnitProperties& unit, const std::string& name) {
    const auto found = unit.find(name);
    return found == unit.end() ? std::string() : found->second;
}

bool has_word(const std::string& words, const std::string& word) {
    return (" " + words + " ").find(" " + word + " ") != std::string::npos;
}

bool runs(const UnitProperties& unit) {
    const std::string state = value(unit, "ActiveState");
    return state == "active" || state == "reloading" || state == "activating";
}

bool is_enabled(const UnitProperties& unit) { return value(unit, "UnitFileState").starts_with("enabled"); }

// Somebody else starts the server: then systemd must not.
Findings examine_unused(const Config& config, const UnitProperties& unit) {
    const std::string name = unit_name(config.instance);
    if (!runs(unit) && !is_enabled(unit)) return {};
    return {error("systemd and courierfilter both start this server: " + name + " is " +
                      (runs(unit) ? "active" : "enabled") + ", and server.supervisor is not systemd",
                  "systemctl disable --now " + config.instance + "; or write server.supervisor: systemd, then " +
                      "systemctl restart " + config.instance)};
}

Findings examine_running(const Config& config, const UnitProperties& unit) {
    const std::string name = unit_name(config.instance), kept = value(unit, "NFileDescriptorStore");
    Findings findings{good(name + " is active")};
    if (config.server.on_stop != OnStop::defer) return findings;
    if (kept == "1") findings.push_back(good("systemd keeps the socket: a restart refuses nobody"));
    else findings.push_back(warning("systemd keeps " + (kept.empty() ? "no" : kept) + " sockets of " + name +
                                        ", not one: clients are refused during a restart",
                                    "systemctl restart " + config.instance));
    return findings;
}

}  // namespace

UnitProperties parse_properties(std::string_view output) {
    UnitProperties properties;
    while (!output.empty()) {
        const std::string_view line = output.substr(0, output.find('\n'));
        output.remove_prefix(std::min(line.size() + 1, output.size()));
        const std::size_t equals = line.find('=');
        if (equals != std::string_view::npos)
            properties[std::string(line.substr(0, equals))] = line.substr(equals + 1);
    }
    return properties;
}

std::optional<UnitProperties> ask_systemd(const std::string& instance) {
    if (access("/run/systemd/system", F_OK) != 0) return std::nullopt;  // as sd_booted(3)
    const auto run = run_program({"systemctl", "show", "--no-pager",
                                  "--property=LoadState,ActiveState,UnitFileState,Before,NFileDescriptorStore,"
                                  "NeedDaemonReload",
                                  "--", unit_name(instance)},
                                 kPatience);
    if (!run || run->status != 0) return std::nullopt;
    return parse_properties(run->output);
}

Findings examine_service(const Config& config, const std::optional<UnitProperties>& unit) {
    const bool wanted = config.server.supervisor == Supervisor::systemd;
    if (!unit) {
        if (!wanted) return {};
        return {error("server.supervisor is systemd, which does not run here or does not answer",
                      "write server.supervisor: courierfilter")};
    }
    if (!wanted) return examine_unused(config, *unit);
    const std::string name = unit_name(config.instance), load = value(*unit, "LoadState");
    if (load == "masked") return {error(name + " is masked", "systemctl unmask " + config.instance)};
    if (load != "loaded")
        return {error(name + " is not installed (" + load + ")",
                      "put the unit into /etc/systemd/system; systemctl daemon-reload")};
    Findings findings;
    if (runs(*unit)) {
        findings = examine_running(config, *unit);
    } else {
        findings.push_back(error(name + " is " + value(*unit, "ActiveState") + ": Courier defers all mail",
                                 "systemctl start " + config.instance));
    }
    if (!is_enabled(*unit))
        findings.push_back(warning(name + " is not enabled: after a boot all mail is deferred",
                                   "systemctl enable " + config.instance));
    if (!has_word(value(*unit, "Before"), kCourierfilter))
        findings.push_back(warning(name + " may start after courierfilter, which then waits for it",
                                   "systemctl edit " + config.instance + ": [Unit] Before=" + kCourierfilter));
    if (value(*unit, "NeedDaemonReload") == "yes")
        findings.push_back(warning("the file of " + name + " has changed", "systemctl daemon-reload"));
    return findings;
}

std::string restart_command(const Config& config) {
    if (config.server.supervisor == Supervisor::systemd) return "systemctl restart " + config.instance;
    return "courierfilter stop; courierfilter start";
}

}  // namespace pythonfilter
