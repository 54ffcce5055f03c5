#include "master/reporter.h"

namespace pythonfilter {

void report_lines(const Reporter& report, LogLevel level, const std::string& label, std::string_view raw_lines) {
    while (!raw_lines.empty()) {
        const auto end = raw_lines.find('\n');
        report(level, label + escape(raw_lines.substr(0, end)));
        raw_lines.remove_prefix(end == std::string_view::npos ? raw_lines.size() : end + 1);
    }
}

}  // namespace pythonfilter
