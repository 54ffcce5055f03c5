// The command line of `pythonfilter`, as values. Called by main.cpp only. Prints help, version and usage errors itself;
// must never start anything or read a file.
#pragma once

#include "master/succession.h"

#include <optional>
#include <string>
#include <sys/resource.h>

namespace pythonfilter {

inline constexpr int kExitUsage = 64;  // sysexits.h EX_USAGE

struct CommandLine {
    enum class Action { serve, check, master_of_guardian, successor };

    Action action = Action::serve;
    std::string instance = "pythonfilter";  // basename of argv[0]: name of socket and of the configuration file
    std::string config_file;                // absolute; empty: look in the usual places
    std::optional<rlim_t> open_files;       // the limit that the guardian began with
    std::optional<Heritage> heritage;       // of the successor of a guardian
    std::optional<int> exit_status;         // all is said and done: leave with this
};

CommandLine parse_command_line(int argc, char** argv);

}  // namespace pythonfilter
