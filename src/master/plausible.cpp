#include "master/plausible.h"

#include <algorithm>

namespace pythonfilter {
namespace {

constexpr std::size_t kMaxBypassed = 64 * 1024;

bool is_asked(std::uint32_t filter, const Task& task) {
    return std::find(task.filters.begin(), task.filters.end(), filter) != task.filters.end();
}

template <class Report>
bool common_part(const Report& report, const Task& task) {
    const std::size_t most = 2 * task.filters.size();  // a module may have do_filter and doFilter
    const auto named = [&](const auto& entry) { return is_asked(entry.filter, task); };
    return report.task_id == task.id && report.runs.size() <= most && report.incidents.size() <= most &&
           std::all_of(report.runs.begin(), report.runs.end(), named) &&
           std::all_of(report.incidents.begin(), report.incidents.end(), named) && report.state.bypassed.size() <= kMaxBypassed;
}

}  // namespace

bool plausible(const Progress& progress, const Task& task) {
    return common_part(progress, task) && is_asked(progress.finished, task);
}

bool plausible(const Outcome& outcome, const Task& task) {
    const bool names_filter = outcome.kind == OutcomeKind::decided || outcome.kind == OutcomeKind::failed;
    return common_part(outcome, task) && (!names_filter || is_asked(outcome.filter, task)) &&
           (outcome.kind != OutcomeKind::failed || !outcome.incidents.empty());
}

}  // namespace pythonfilter
