#include "master/message_log.h"

#include "base/log.h"

#include <algorithm>
#include <charconv>
#include <utility>

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

void append_number(std::string& text, std::uint64_t number) {
    char digits[20];
    const char* const end = std::to_chars(digits, digits + sizeof digits, number).ptr;
    text.append(digits, static_cast<std::size_t>(end - digits));
}

// `number` divided by 10 to the power of `decimals`, as "%.Nf" prints it, without the way through a double.
void append_fraction(std::string& text, std::uint64_t number, int decimals) {
    char digits[24];
    char* const end = digits + sizeof digits;
    char* begin = end;
    const auto put = [&] {
        *--begin = static_cast<char>('0' + number % 10);
        number /= 10;
    };
    for (int i = 0; i < decimals; ++i) put();
    *--begin = '.';
    do put();
    while (number > 0);
    text.append(begin, static_cast<std::size_t>(end - begin));
}

std::uint64_t microseconds(std::uint64_t nanoseconds) { return nanoseconds / 1000 + (nanoseconds % 1000 >= 500); }

void append_seconds(std::string& text, std::uint64_t nanoseconds) {
    append_fraction(text, microseconds(nanoseconds), 6);
}

void append_milliseconds(std::string& text, std::uint64_t nanoseconds) {
    append_fraction(text, microseconds(nanoseconds), 3);
    text += "ms";
}

constexpr PlainBytes kInAddress{"<> "};
constexpr PlainBytes kInLabel{" "};
constexpr PlainBytes kInReason{"\""};

void append_short(std::string& text, std::string_view raw, const PlainBytes& plain, std::size_t limit) {
    const bool fits = raw.size() <= limit;
    append_escaped(text, fits ? raw : raw.substr(0, limit - 3), plain);
    if (!fits) text += "...";
}

void append_address(std::string& text, std::string_view raw) {
    text += '<';
    append_short(text, raw, kInAddress, kMaxAddress);
    text += '>';
}

std::string address(std::string_view raw) {
    std::string text;
    append_address(text, raw);
    return text;
}

void append_recipients(std::string& text, const MessageFacts& facts) {
    const std::size_t begin = text.size();
    std::size_t shown = 0;
    for (const std::string& recipient : facts.recipients) {
        const std::size_t before = text.size();
        if (shown > 0) text += ',';
        append_address(text, recipient);
        if (text.size() - begin > kMaxRecipients) {
            text.resize(before);
            break;
        }
        ++shown;
    }
    if (facts.recipient_count > shown) text += "+" + std::to_string(facts.recipient_count - shown) + " more";
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

std::string_view label_of(const MessageRecord& record) {
    return record.facts.id.empty() ? record.body_path : std::string_view(record.facts.id);
}

void append_label(std::string& text, const MessageRecord& record) {
    append_short(text, label_of(record), kInLabel, kMaxLabel);
}

void append_runs(std::string& text, const std::vector<FilterRun>& runs, const FilterNames& names) {
    const char* comma = "";
    for (const FilterRun& run : runs) {
        text += std::exchange(comma, ",");
        text += name_of(run.filter, names);
        text += ':';
        append_milliseconds(text, run.wall_ns);
        text += '/';
        append_milliseconds(text, run.cpu_ns);
    }
}

}  // namespace

std::string message_label(const MessageRecord& record) {
    std::string text;
    append_label(text, record);
    return text;
}

// Written for each message, so it is put together in one string.
std::string message_line(const MessageRecord& record, const FilterNames& names) {
    std::string line;
    line.reserve(400);
    line += "message id=";
    append_label(line, record);
    line += " from=";
    append_address(line, record.facts.sender);
    line += " to=";
    append_recipients(line, record.facts);
    line += " size=";
    append_number(line, record.facts.size);
    if (record.removed > 0) line += " removed=" + std::to_string(record.removed);
    if (record.removed > 0 && record.facts.recipient_count == 0) line += "(all)";
    line += " verdict=";
    line += to_string(verdict_of(record.reply));
    if (!record.decided_by.empty()) line.append(" by=").append(record.decided_by);
    if (!record.reason.empty()) {
        line += " reason=\"";
        append_short(line, record.reason, kInReason, kMaxReason);
        line += '"';
    }
    line += " total=";
    append_milliseconds(line, static_cast<std::uint64_t>(record.total.count()));
    line += " wait=";
    append_milliseconds(line, static_cast<std::uint64_t>(record.queue_wait.count()));
    if (!record.worker.empty()) line.append(" worker=").append(record.worker);
    line += " filters=";
    append_runs(line, record.runs, names);
    return line;
}

LogFields message_fields(const MessageRecord& record) {
    LogFields fields{{"message_id", std::string(label_of(record))},
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
    for (const FilterRun& run : record.runs) total += run.cpu_ns;
    std::string line;
    line.reserve(200);
    line += "CPU TIME ACCOUNTING: ";
    append_label(line, record);
    line += " processed with ";
    append_seconds(line, total);
    line += " seconds: (";
    const char* blank = "";
    for (const FilterRun& run : record.runs) {
        line.append(std::exchange(blank, " ")).append(name_of(run.filter, names)).append("(");
        append_seconds(line, run.cpu_ns);
        line += ')';
    }
    line += ')';
    return line;
}

}  // namespace pythonfilter
