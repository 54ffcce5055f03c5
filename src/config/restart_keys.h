// Which keys a reload cannot put in force: those of the option table that are marked `restart`. Called by the master,
// so that an administrator who changed one is told.
#pragma once

#include "config/config.h"

#include <string>
#include <vector>

namespace pythonfilter {

/// Paths such as "server.socket" of the marked keys whose values differ.
std::vector<std::string> changed_restart_keys(Config before, Config after);

}  // namespace pythonfilter
