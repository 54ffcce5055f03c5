// Answers of the server as text for a person. Pure.
#pragma once

#include "ctl/lines.h"
#include "message/server_status.h"

#include <string>
#include <vector>

namespace pythonfilter {

Lines to_lines(const ServerStatus& status);
std::string to_text(const ServerStatus& status);
std::string to_text(const TraceStatus& trace);
std::string to_text(const ServerStats& stats);
std::string to_text(const std::vector<FilterStats>& filters);

}  // namespace pythonfilter
