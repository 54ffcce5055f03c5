#include "base/log_format.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>

namespace pythonfilter {
namespace {

constexpr std::size_t kMaxValue = 250;  // bytes of a field, escaped; the text gets what is left of the line
constexpr std::string_view kCut = "...";

// As syslog(3) counts.
char priority_of(LogLevel level) {
    switch (level) {
        case LogLevel::debug: return '7';
        case LogLevel::output:
        case LogLevel::info: return '6';
        case LogLevel::warning: return '4';
        case LogLevel::error: return '3';
    }
    return '5';
}

// RFC 3339, in UTC.
std::string time_text(WallTime now) {
    const auto whole = std::chrono::floor<std::chrono::seconds>(now);
    const auto thousandths = std::chrono::duration_cast<std::chrono::milliseconds>(now - whole).count();
    const std::time_t seconds = std::chrono::system_clock::to_time_t(whole);
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    char text[64];
    const std::size_t length = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    std::snprintf(text + length, sizeof text - length, ".%03dZ", static_cast<int>(thousandths));
    return text;
}

std::string short_value(const std::string& raw) {
    const std::size_t whole = whole_characters(raw, kMaxValue);
    const std::string value = escape(raw.substr(0, whole));
    if (whole == raw.size() && value.size() <= kMaxValue) return value;
    return value.substr(0, whole_characters(value, kMaxValue - kCut.size())) + std::string(kCut);
}

bool is_bare(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-_./:@+,<>").find(c) != std::string_view::npos;
}

// In quotes where a reader could take it for something else.
std::string logfmt_value(const std::string& value) {
    if (std::all_of(value.begin(), value.end(), is_bare)) return value;
    std::string text = "\"";
    for (const char c : value) {
        if (c == '"' || c == '\\') text += '\\';
        const bool is_control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
        text += is_control ? '?' : c;  // not in an escaped text
    }
    return text + '"';
}

std::string logfmt_line(LogLevel level, const std::string& text, const LogFields& fields, const std::string& time) {
    std::string line = "time=" + time + " level=" + level_name(level) + " msg=" + logfmt_value(text);
    for (const LogField& field : fields) {
        if (!field.value.empty()) line += " " + std::string(field.key) + "=" + logfmt_value(short_value(field.value));
    }
    return line + '\n';
}

std::string json_line(LogLevel level, const std::string& text, const LogFields& fields, const std::string& time) {
    nlohmann::ordered_json line{{"time", time}, {"level", level_name(level)}, {"msg", text}};
    for (const LogField& field : fields) {
        if (!field.value.empty()) line[std::string(field.key)] = short_value(field.value);
    }
    return line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + '\n';
}

// Cuts the text until the line fits. A byte of it is mostly one of the line, sometimes two.
template <class Compose>
std::string fit(std::string_view text, Compose compose) {
    std::size_t kept = whole_characters(text, kMaxLogLine);
    const auto cut = [&] { return std::string(text.substr(0, kept)) + std::string(kept < text.size() ? kCut : ""); };
    std::string line = compose(cut());
    while (line.size() > kMaxLogLine && kept > 0) {
        const std::size_t excess = line.size() - kMaxLogLine;
        kept = whole_characters(text, kept - std::min(kept, excess / 2 + kCut.size() + 1));
        line = compose(cut());
    }
    return line;
}

// With its length in front, so that any byte can stand in it.
void append_journal_field(std::string& packet, std::string_view key, std::string_view value) {
    packet += key;
    packet += '\n';
    for (std::uint64_t length = value.size(), i = 0; i < 8; ++i, length >>= 8)
        packet += static_cast<char>(length & 0xFF);
    packet += value;
    packet += '\n';
}

std::string upper(std::string_view key) {
    std::string text(key);
    for (char& c : text) {
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    }
    return text;
}

}  // namespace

const char* level_name(LogLevel level) {
    switch (level) {
        case LogLevel::debug: return "debug";
        case LogLevel::output:
        case LogLevel::info: return "info";
        case LogLevel::warning: return "warning";
        case LogLevel::error: return "error";
    }
    return "?";
}

std::string format_line(LogFormat format, LogLevel level, std::string_view text, const LogFields& fields,
                        WallTime now) {
    if (format == LogFormat::plain) return format_line(level, text);
    const std::string time = time_text(now);
    return fit(text, [&](const std::string& shown) {
        return format == LogFormat::json ? json_line(level, shown, fields, time)
                                         : logfmt_line(level, shown, fields, time);
    });
}

std::string format_journal(LogLevel level, std::string_view text, const LogFields& fields,
                           std::string_view identifier) {
    const std::string line = format_line(LogLevel::info, text);  // cut as ever, without a prefix
    std::string packet;
    append_journal_field(packet, "MESSAGE", std::string_view(line).substr(0, line.size() - 1));
    append_journal_field(packet, "PRIORITY", std::string(1, priority_of(level)));
    append_journal_field(packet, "SYSLOG_IDENTIFIER", identifier);
    for (const LogField& field : fields) {
        if (!field.value.empty())
            append_journal_field(packet, "PYTHONFILTER_" + upper(field.key), short_value(field.value));
    }
    return packet;
}

}  // namespace pythonfilter
