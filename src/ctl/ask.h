// One request to the server and its answer, with a deadline for all of it.
#pragma once

#include "base/clock.h"
#include "ctl/exit_status.h"
#include "message/control_protocol.h"

#include <string>
#include <vector>

namespace pythonfilter {

/// What came of it: the server's answer, or why there is none.
struct Asked {
    ExitStatus status = exit_ok;  // exit_failed: the server says so
    std::string problem;          // for a person; empty when the status is exit_ok
    Json result;
};

/// Tries the next path where one cannot be reached or is not for us; the first one's problem is told if all fail.
Asked ask(const std::vector<std::string>& paths, const ControlRequest& request, Duration timeout);

}  // namespace pythonfilter
