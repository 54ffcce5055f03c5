#include "master/reporter.h"

namespace pythonfilter {

namespace {

constexpr int kMaxLines = 1000;  // more than a traceback has

}  // namespace

void report_lines(const Reporter& report, LogLevel level, const std::string& label, std::string_view raw_lines,
                  const LogFields& fields) {
    for (int lines = 0; !raw_lines.empty(); ++lines) {
        if (lines == kMaxLines) return report(level, label + "...", fields);
        const auto end = raw_lines.find('\n');
        report(level, label + escape(raw_lines.substr(0, end)), fields);
        raw_lines.remove_prefix(end == std::string_view::npos ? raw_lines.size() : end + 1);
    }
}

LogFields worker_fields(const std::string& label, const std::string& message_id, const std::string& filter) {
    return {{"pool", label.substr(0, label.rfind('/'))},
            {"worker", label},
            {"message_id", message_id},
            {"filter", filter}};
}

}  // namespace pythonfilter
