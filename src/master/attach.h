// The process that courierfilter starts where systemd runs the server: it makes courierfilter wait until the service
// answers, and lives as long as courierfilter wants it, so that the link stays active and the socket is not cleared
// away. Called by serve.cpp. It serves nobody.
#pragma once

#include "base/unique_fd.h"
#include "config/config.h"

namespace pythonfilter {

/// Until stdin ends, or SIGTERM. `ready_fd` is closed when the service answers, or after a limit. A socket that does
/// not exist then is made without anybody behind it, unless `on_stop` says `pass`: Courier defers instead of passing
/// mail unfiltered. Returns the exit status, 0.
int attach_to_service(const Config& config, UniqueFd ready_fd);

}  // namespace pythonfilter
