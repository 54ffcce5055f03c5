#include "base/log.h"

#include <algorithm>

namespace pythonfilter {
namespace {

// Length of the well-formed UTF-8 sequence at the start of `text`, 0 if there is none (RFC 3629).
std::size_t utf8_length(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const auto tail = [&](std::size_t i, unsigned low = 0x80, unsigned high = 0xBF) {
        return i < text.size() && byte(i) >= low && byte(i) <= high;
    };
    const unsigned first = byte(0);
    if (first < 0x80) return 1;
    if (first >= 0xC2 && first <= 0xDF) return tail(1) ? 2 : 0;
    if (first >= 0xE0 && first <= 0xEF) {
        const unsigned low = first == 0xE0 ? 0xA0 : 0x80;
        const unsigned high = first == 0xED ? 0x9F : 0xBF;
        return tail(1, low, high) && tail(2) ? 3 : 0;
    }
    if (first >= 0xF0 && first <= 0xF4) {
        const unsigned low = first == 0xF0 ? 0x90 : 0x80;
        const unsigned high = first == 0xF4 ? 0x8F : 0xBF;
        return tail(1, low, high) && tail(2) && tail(3) ? 4 : 0;
    }
    return 0;
}

// U+0080..U+009F: control characters in UTF-8 that a terminal may act on.
bool is_c1(std::string_view text, std::size_t length) {
    return length == 2 && static_cast<unsigned char>(text[0]) == 0xC2 && static_cast<unsigned char>(text[1]) < 0xA0;
}

void append_hex(std::string& out, char c) {
    static constexpr std::string_view digits = "0123456789abcdef";
    const auto byte = static_cast<unsigned char>(c);
    out += "\\x";
    out += digits[byte >> 4];
    out += digits[byte & 15];
}

std::string_view prefix_of(LogLevel level) {
    switch (level) {
        case LogLevel::debug: return "DEBUG: ";
        case LogLevel::output:
        case LogLevel::info: return "";
        case LogLevel::warning: return "WARN: ";
        case LogLevel::error: return "ERR: ";
    }
    return "";
}

constexpr PlainBytes kWithoutDelimiters{""};

}  // namespace

std::string escape(std::string_view text) {
    std::string out;
    append_escaped(out, text, kWithoutDelimiters);
    return out;
}

std::string escape_lines(std::string_view text) {
    std::string out;
    for (;;) {
        const std::size_t end = text.find('\n');
        out += escape(text.substr(0, end));
        if (end == std::string_view::npos) return out;
        out += '\n';
        text.remove_prefix(end + 1);
    }
}

std::string escape_field(std::string_view text, std::string_view delimiters) {
    std::string out;
    append_escaped(out, text, PlainBytes(delimiters));
    return out;
}

void append_escaped(std::string& out, std::string_view text, const PlainBytes& plain) {
    while (!text.empty()) {
        const auto special = std::find_if_not(text.begin(), text.end(), [&](char c) { return plain.contains(c); });
        const auto before = static_cast<std::size_t>(special - text.begin());
        out.append(text.substr(0, before));
        text.remove_prefix(before);
        if (text.empty()) return;
        const std::size_t length = std::max<std::size_t>(utf8_length(text), 1);
        const bool is_character = length > 1 && !is_c1(text, length);  // one that is shown
        if (text.front() == '\\') out += "\\\\";
        else if (is_character) out.append(text.substr(0, length));
        else for (const char c : text.substr(0, length)) append_hex(out, c);
        text.remove_prefix(length);
    }
}

std::size_t whole_characters(std::string_view text, std::size_t limit) {
    if (limit >= text.size()) return text.size();
    for (std::size_t cut = limit; cut > 0 && cut + 4 > limit; --cut) {
        if ((static_cast<unsigned char>(text[cut]) & 0xC0) != 0x80) return cut;
    }
    return limit;  // no UTF-8 at all
}

std::string format_line(LogLevel level, std::string_view text) {
    std::string line;
    append_line(line, level, text);
    return line;
}

void append_line(std::string& out, LogLevel level, std::string_view text) {
    const std::string_view prefix = prefix_of(level);
    const std::size_t room = kMaxLogLine - 1 - prefix.size();
    out += prefix;
    if (text.size() <= room) {
        out += text;
    } else {
        out += text.substr(0, whole_characters(text, room - 3));
        out += "...";
    }
    out += '\n';
}

}  // namespace pythonfilter
