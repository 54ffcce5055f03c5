#include "master/message_log.h"

#include "base/log.h"

#include <algorithm>
#include <cstdio>

namespace pythonfilter {
namespace {

// What comes from outside is cut, so that the verdict behind it is never cut off at the end of a log line. In bytes
// before escaping, which makes four of one; kMaxRecipients after it.
constexpr std::size_t kMaxLabel = 150;
constexpr std::size_t kMaxAddress = 320;  // the longest that SMTP allows
constexpr std::size_t kMaxReason = 80;
constexpr std::size_t kMaxRecipients = 1400;
static_assert(4 * (kMaxLabel + kMaxAddress + kMaxReason) + kMaxRecipients + 300 < kMaxLogLine);
static_assert(2 * 4 * kMaxAddress + 600 < kMaxLogLine);  // a refusal line

std::string seconds(std::uint64_t nanoseconds) {
    char text[32];
    std::snprintf(text, sizeof text, "%.6f", static_cast<double>(nanoseconds) / 1e9);
    return text;
}

std::string milliseconds(std::uint64_t nanoseconds) {
    char text[32];
    std::snprintf(text, sizeof text, "%.3fms", static_cast<double>(nanoseconds) / 1e6);
    return text;
}

std::string escape_short(std::string_view raw, std::string_view delimiters, std::size_t limit) {
    if (raw.size() <= limit) return escape_field(raw, delimiters);
    return escape_field(raw.substr(0, limit - 3), delimiters) + "...";
}

std::string address(std::string_view raw) { return "<" + escape_short(raw, "<> ", kMaxAddress) + ">"; }

std::string recipients(const MessageFacts& facts) {
    std::string text;
    std::size_t shown = 0;
    for (const std::string& recipient : facts.recipients) {
        const std::string next = address(recipient);
        if (text.size() + next.size() > kMaxRecipients) break;
        text += (shown++ ? "," : "") + next;
    }
    if (facts.recipient_count > shown) text += "+" + std::to_string(facts.recipient_count - shown) + " more";
    return text;
}

const std::string& name_of(std::uint32_t filter, const FilterNames& names) {
    static const std::string unknown = "?";
    return filter < names.size() ? names[filter] : unknown;
}

// The reply's lines joined with " / ".
std::string one_line(std::string_view reply) {
    std::string text;
    while (!reply.empty()) {
        const auto end = reply.find('\n');
        text += (text.empty() ? "" : " / ") + escape(reply.substr(0, end));
        reply.remove_prefix(end == std::string_view::npos ? reply.size() : end + 1);
    }
    return text;
}

}  // namespace

std::string message_label(const MessageRecord& record) {
    return escape_short(record.facts.id.empty() ? record.body_path : record.facts.id, " ", kMaxLabel);
}

std::string message_line(const MessageRecord& record, const FilterNames& names) {
    std::string line = "message id=" + message_label(record) + " from=" + address(record.facts.sender);
    line += " to=" + recipients(record.facts) + " size=" + std::to_string(record.facts.size);
    if (record.removed > 0) line += " removed=" + std::to_string(record.removed);
    if (record.removed > 0 && record.facts.recipient_count == 0) line += "(all)";
    line += " verdict=" + std::string(to_string(verdict_of(record.reply)));
    if (!record.decided_by.empty()) line += " by=" + record.decided_by;
    if (!record.reason.empty()) line += " reason=\"" + escape_short(record.reason, "\"", kMaxReason) + "\"";
    line += " total=" + milliseconds(static_cast<std::uint64_t>(record.total.count()));
    line += " wait=" + milliseconds(static_cast<std::uint64_t>(record.queue_wait.count()));
    if (!record.worker.empty()) line += " worker=" + record.worker;
    line += " filters=";
    for (std::size_t i = 0; i < record.runs.size(); ++i) {
        const FilterRun& run = record.runs[i];
        line += (i ? "," : "") + name_of(run.filter, names) + ":";
        line += milliseconds(run.wall_ns) + "/" + milliseconds(run.cpu_ns);
    }
    return line;
}

LogFields message_fields(const MessageRecord& record) {
    LogFields fields{{"message_id", record.facts.id.empty() ? record.body_path : record.facts.id},
                     {"verdict", record.reply.empty() ? "" : std::string(to_string(verdict_of(record.reply)))},
                     {"filter", record.decided_by},
                     {"pool", record.worker.substr(0, record.worker.find('/'))},
                     {"worker", record.worker}};
    return fields;
}

std::vector<std::string> removal_lines(const MessageRecord& record, const std::vector<Removal>& removals,
                                       const FilterNames& names) {
    std::vector<std::string> lines;
    std::uint64_t room = kMaxLoggedRecipients - std::min<std::uint64_t>(kMaxLoggedRecipients, record.removed);
    for (const Removal& removal : removals) {
        const std::string head =
            "message id=" + message_label(record) + " filter=" + name_of(removal.filter, names) + " removed ";
        const std::size_t shown = std::min<std::uint64_t>(room, removal.recipients.size());
        room -= shown;
        for (std::size_t i = 0; i < shown; ++i) lines.push_back(head + "recipient " + address(removal.recipients[i]));
        const std::uint64_t more = removal.count - shown;
        if (more > 0) lines.push_back(head + (shown > 0 ? "and " : "") + std::to_string(more) + " more recipients");
    }
    return lines;
}

std::vector<std::string> refusal_lines(const MessageRecord& record) {
    std::vector<std::string> lines;
    if (verdict_of(record.reply) == Verdict::accept) return lines;
    const std::string head = "pythonfilter " + (record.decided_by.empty() ? std::string("-") : record.decided_by) +
                             " reject,from=" + address(record.facts.sender) + ",addr=";
    const std::string tail = ": " + one_line(record.reply);
    for (const std::string& recipient : record.facts.recipients) lines.push_back(head + address(recipient) + tail);
    const std::size_t count = record.facts.recipient_count;
    const std::size_t unnamed = count - std::min(count, lines.size());
    if (unnamed > 0) lines.push_back(head + "<" + std::to_string(unnamed) + " more recipients>" + tail);
    return lines;
}

std::string accounting_line(const MessageRecord& record, const FilterNames& names) {
    std::uint64_t total = 0;
    std::string list;
    for (const FilterRun& run : record.runs) {
        total += run.cpu_ns;
        list += (list.empty() ? "" : " ") + name_of(run.filter, names) + "(" + seconds(run.cpu_ns) + ")";
    }
    const std::string head = "CPU TIME ACCOUNTING: " + message_label(record) + " processed with ";
    return head + seconds(total) + " seconds: (" + list + ")";
}

}  // namespace pythonfilter
