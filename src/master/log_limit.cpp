#include "master/log_limit.h"

#include "base/log.h"
#include "config/option_text.h"

namespace pythonfilter {
namespace {

std::string value_of(const LogFields& fields, std::string_view key) {
    for (const LogField& field : fields) {
        if (field.key == key) return field.value;
    }
    return {};
}

}  // namespace

LogLimit::Source LogLimit::source_of(LogLevel level, const LogFields& fields) {
    if (level == LogLevel::output) return {"pool", value_of(fields, "pool")};
    std::string filter = level >= LogLevel::warning ? value_of(fields, "filter") : std::string();
    if (filter.empty()) return {};
    return {"filter", std::move(filter)};
}

bool LogLimit::admit(const Source& source, TimePoint now) {
    if (source.kind.empty() || config_.lines == 0) return true;
    Window& window = windows_[source];
    if (now >= window.end) {
        window.end = now + config_.interval;
        window.lines = 0;
    }
    if (window.lines >= config_.lines) {
        ++window.dropped;
        return false;
    }
    ++window.lines;
    return true;
}

std::vector<LogLimit::Dropped> LogLimit::take_dropped() {
    std::vector<Dropped> found;
    for (auto& [source, window] : windows_) {
        if (window.dropped == 0) continue;
        found.push_back({source, window.dropped, {{source.kind, source.name}}});
        window.dropped = 0;
    }
    return found;
}

std::string LogLimit::describe(const Dropped& dropped) const {
    return std::string(dropped.source.kind) + " " + escape(dropped.source.name) + ": " +
           std::to_string(dropped.lines) + " log lines dropped: more than " + std::to_string(config_.lines) + " in " +
           format_duration(config_.interval) + " (log.limit)";
}

}  // namespace pythonfilter
