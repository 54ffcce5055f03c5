// Which sockets may lead to the server: through the server's own look-up of its configuration. A configuration that
// cannot be read or used (to find out about it may be why somebody asks) leaves the usual place in Courier's directory.
#pragma once

#include "ctl/command_line.h"

#include <string>
#include <vector>

namespace pythonfilter {

struct ControlPaths {
    std::vector<std::string> paths;  // to be tried in this order, not empty
    std::string problem;             // why the configuration did not tell; empty: it did, or nobody asked it
};

ControlPaths find_control_paths(const CtlCommandLine& line);

}  // namespace pythonfilter
