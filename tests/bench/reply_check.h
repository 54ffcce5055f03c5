// What Courier accepts as one reply of a filter: lines `NNN-text`, then one line `NNN text`, the same code on all, LF
// only, nothing after it. Used by load.cpp only; the server's own composer is deliberately not asked.
#pragma once

#include <string_view>

namespace pythonfilter::bench {

inline bool is_reply_line(std::string_view line, std::string_view code, char separator) {
    if (line.size() < 4 || line.substr(0, 3) != code || line[3] != separator) return false;
    for (const char c : line) {
        if (c < 0x20 || c > 0x7e) return false;
    }
    return true;
}

inline bool is_one_reply(std::string_view text) {
    const std::string_view code = text.substr(0, 3);
    if (code.size() < 3 || std::string_view("0245").find(code[0]) == std::string_view::npos) return false;
    for (const char digit : code) {
        if (digit < '0' || digit > '9') return false;
    }
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        if (end == std::string_view::npos) return false;
        const std::string_view line = text.substr(0, end);
        text.remove_prefix(end + 1);
        if (!is_reply_line(line, code, text.empty() ? ' ' : '-')) return false;
    }
    return true;
}

}  // namespace pythonfilter::bench
