// What a reload cannot change: the keys whose rows say that they need a restart. Called by the master before it takes
// a new configuration, to tell the administrator.
#pragma once

#include "config/config.h"

#include <string>
#include <vector>

namespace pythonfilter {

/// Paths of the keys that differ and take effect only after a restart: "server.socket".
std::vector<std::string> keys_that_need_restart(const Config& running, const Config& loaded);

}  // namespace pythonfilter
