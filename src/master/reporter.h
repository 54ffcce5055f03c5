// Reporter: how the parts of the master say something to the log: a level and a text that is already escaped where it
// came from outside. The server gives it; nobody else knows where lines go.
#pragma once

#include "base/log.h"

#include <functional>
#include <string>

namespace pythonfilter {

using Reporter = std::function<void(LogLevel, std::string)>;

/// Several raw lines (a traceback) as log lines with the same label in front of each.
void report_lines(const Reporter& report, LogLevel level, const std::string& label, std::string_view raw_lines);

}  // namespace pythonfilter
