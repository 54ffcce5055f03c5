// The command line of pythonfilterctl, as values. Commands, their arguments and their help come from the table of
// commands. Prints help, version and usage errors itself.
#pragma once

#include "base/clock.h"
#include "message/control_commands.h"
#include "message/control_protocol.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace pythonfilter {

/// A command that the server does not know.
enum class LocalVerb { top, doctor, completion };
struct LocalCommand {
    LocalVerb verb;
    std::string_view name, brief, text;
};
std::span<const LocalCommand> local_commands();

struct CtlCommandLine {
    std::string instance;       // the server's name
    std::string config_file;    // absolute; empty: look in the usual places
    std::string socket;         // ask this one, and read no configuration
    bool json = false;
    std::string into_file;      // write the answer there; empty: to standard output
    Duration timeout{};
    const ControlCommand* command = nullptr;  // what the server is asked
    const LocalCommand* local = nullptr;      // or what is done here
    ControlRequest request;
    std::optional<int> exit_status;           // or all is said and done: leave with this
};

CtlCommandLine parse_ctl_command_line(int argc, char** argv);

}  // namespace pythonfilter
