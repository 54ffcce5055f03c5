#include "master/plausible.h"

#include "message/reply.h"
#include "message/request.h"

#include <algorithm>

namespace pythonfilter {
namespace {

// More filters than anybody has; a task with them, a reply and the longest request still fits into a frame.
constexpr std::size_t kMaxBypassed = 16 * 1024;
static_assert(kMaxBypassed * sizeof(std::uint32_t) + kMaxReplyText + kMaxRequest + 64 * 1024 < kMaxFrame);

bool is_asked(std::uint32_t filter, const Task& task) {
    return std::find(task.filters.begin(), task.filters.end(), filter) != task.filters.end();
}

// Every removal is of a filter that was asked for, counts what it names, and all names together are not too many.
bool are_plausible(const std::vector<Removal>& removals, const Task& task) {
    std::size_t named = 0;
    for (const Removal& removal : removals) {
        const bool counts = removal.count > 0 && removal.count >= removal.recipients.size();
        if (!counts || !is_asked(removal.filter, task)) return false;
        named += removal.recipients.size();
    }
    return removals.size() <= task.filters.size() && named <= kMaxLoggedRecipients;
}

template <class Report>
bool common_part(const Report& report, const Task& task) {
    const std::size_t most = 2 * task.filters.size();  // a module may have do_filter and doFilter
    const auto named = [&](const auto& entry) { return is_asked(entry.filter, task); };
    const auto fits = [&](const Incident& entry) { return named(entry) && entry.text.size() <= kMaxIncidentText; };
    return report.task_id == task.id && report.runs.size() <= most && report.incidents.size() <= most &&
           std::all_of(report.runs.begin(), report.runs.end(), named) &&
           std::all_of(report.incidents.begin(), report.incidents.end(), fits) &&
           are_plausible(report.removals, task) && report.state.bypassed.size() <= kMaxBypassed &&
           report.state.pending_reply.size() <= kMaxReplyText;
}

// An outcome about the digest, exactly where one was asked for.
bool digest_fits(const Outcome& outcome, const Task& task) {
    const auto& order = task.digest_order;
    const bool only = order && order->only;
    switch (outcome.kind) {
        case OutcomeKind::digested: return only;
        case OutcomeKind::poisoned:
            return order && !only && outcome.digest &&
                   std::find(order->refused.begin(), order->refused.end(), *outcome.digest) != order->refused.end();
        case OutcomeKind::gone: return true;
        default: return !only;
    }
}

}  // namespace

bool plausible(const Progress& progress, const Task& task) {
    return common_part(progress, task) && is_asked(progress.finished, task);
}

bool plausible(const Outcome& outcome, const Task& task) {
    const bool names_filter = outcome.kind == OutcomeKind::decided || outcome.kind == OutcomeKind::failed;
    const auto is_short = [](const std::string& note) { return note.size() <= kMaxNote; };
    return common_part(outcome, task) && digest_fits(outcome, task) && outcome.notes.size() <= kMaxNotes &&
           outcome.retire.size() <= kMaxRetireText &&
           std::all_of(outcome.notes.begin(), outcome.notes.end(), is_short) &&
           outcome.facts.recipients.size() <= kMaxLoggedRecipients &&
           (!names_filter || is_asked(outcome.filter, task)) &&
           (outcome.kind != OutcomeKind::failed || !outcome.incidents.empty());
}

}  // namespace pythonfilter
