// Answers of the server as text for a person. Pure.
#pragma once

#include "message/server_status.h"

#include <string>
#include <vector>

namespace pythonfilter {

std::string to_text(const ServerStatus& status);
std::string to_text(const TraceStatus& trace);
std::string to_text(const ServerStats& stats);
std::string to_text(const std::vector<FilterStats>& filters);

}  // namespace pythonfilter
