// The doctor's look at the service under systemd: whether what `server.supervisor` says is what happens. The facts come
// from `systemctl show`, the findings are pure.
#pragma once

#include "config/config.h"
#include "ctl/finding.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace pythonfilter {

/// Properties of a unit by name.
using UnitProperties = std::map<std::string, std::string>;

/// NAME=VALUE lines.
UnitProperties parse_properties(std::string_view output);
/// Of the instance's unit; nothing where systemd does not run.
std::optional<UnitProperties> ask_systemd(const std::string& instance);

Findings examine_service(const Config& config, const std::optional<UnitProperties>& unit);

/// The command that starts the server anew.
std::string restart_command(const Config& config);

}  // namespace pythonfilter
