// The zygote: imports a pool's filters once and forks workers from that state on the master's command. Called by main.
// Single-threaded; it must stay responsive, so it never waits for a worker and never blocks on the control socket. It
// runs no filter function itself.
#pragma once

#include "base/unique_fd.h"

#include <sys/types.h>

namespace pythonfilter {

/// Serves the master `parent` on the control socket until it is closed; returns the exit status. In a forked worker it
/// does not return.
int run_zygote(UniqueFd control, pid_t parent);

}  // namespace pythonfilter
