#include "master/start_report.h"

#include <utility>

namespace pythonfilter {
namespace {

constexpr std::size_t kMaxLines = 1000;
constexpr std::size_t kMaxFailures = 200;  // a text with a time or a pid in it is always new

// A failure's text without its traceback, in one line.
std::string summary(std::string_view text) {
    std::string line(text.substr(0, text.find("\nTraceback")));
    for (std::size_t at; (at = line.find('\n')) != std::string::npos;) line.replace(at, 1, ": ");
    return line;
}

}  // namespace

void StartReport::line(std::string_view line) {
    if (lines_.size() > kMaxLines || !lines_.emplace(line).second) return;
    report_(LogLevel::output, "[" + pool_ + "] " + escape(line), {{"pool", pool_}});
}

void StartReport::failure(const FilterSpec& filter, const std::string& full_text) {
    if (failures_.size() == kMaxFailures) return;
    const std::string text = full_text.substr(0, kMaxIncidentText);
    const std::string label = "filter " + escape(filter.name) + " is not available: ";
    if (!failures_.insert(label + text).second) return;
    report_lines(report_, LogLevel::error, label, text, {{"pool", pool_}, {"filter", filter.name}});
    problems_.push_back(label + summary(text));
}

void StartReport::settle(std::string problem) {
    if (std::exchange(settled_, true)) return;
    if (!problem.empty()) problems_.push_back(std::move(problem));
    on_settled_(problems_);
}

}  // namespace pythonfilter
