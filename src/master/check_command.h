// `pythonfilter check`: reads the configuration as the server would, prints what is wrong with it or what is in force.
// Called by main.cpp. Must never touch the socket or start a filter.
#pragma once

#include "config/find_config.h"

namespace pythonfilter {

/// Prints the summary on stdout, warnings and errors on stderr. Returns the exit status: 0 or kExitConfig.
int check_command(const ConfigRequest& request);

}  // namespace pythonfilter
