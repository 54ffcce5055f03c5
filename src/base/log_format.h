// The forms of a log line: the plain one of log.h, logfmt, JSON, and the native protocol of systemd's journal. Pure.
// Whatever a filter or a message puts into a text or a value, it ends up in that value: it can begin no line, no field
// and no string.
#pragma once

#include "base/log.h"

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace pythonfilter {

/// "warning" and the like, as logfmt and JSON lines and the status name it.
const char* level_name(LogLevel level);

enum class LogFormat { plain, logfmt, json };

/// What a line is about, beside its text. The key is a lower-case word that the program chose, the value is raw.
struct LogField {
    std::string_view key;
    std::string value;
};
using LogFields = std::vector<LogField>;

using WallTime = std::chrono::system_clock::time_point;

/// One line, with LF, of at most kMaxLogLine bytes: a longer text is cut with "...". Plain lines have no fields and no
/// time, the others no priority prefix. Fields without a value are left out.
std::string format_line(LogFormat format, LogLevel level, std::string_view text, const LogFields& fields,
                        WallTime now);

/// One datagram for the journal: MESSAGE, PRIORITY, SYSLOG_IDENTIFIER, and each field as PYTHONFILTER_KEY.
std::string format_journal(LogLevel level, std::string_view text, const LogFields& fields,
                           std::string_view identifier);

}  // namespace pythonfilter
