#include "ctl/lines.h"

#include <algorithm>
#include <string_view>

namespace pythonfilter {
namespace {

constexpr std::string_view kHome = "\033[H", kEndOfLine = "\033[0m\033[K", kEndOfScreen = "\033[J";

std::string_view colour_of(LineKind kind) {
    switch (kind) {
        case LineKind::plain: return "";
        case LineKind::title: return "\033[1m";
        case LineKind::heading: return "\033[4m";
        case LineKind::active: return "\033[36m";
        case LineKind::quiet: return "\033[2m";
        case LineKind::warning: return "\033[31m";
    }
    return "";
}

// Bytes that go on a character take no room of their own.
std::string_view cut(std::string_view text, std::size_t columns) {
    std::size_t seen = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool begins = (static_cast<unsigned char>(text[i]) & 0xC0) != 0x80;
        if (begins && seen++ == columns) return text.substr(0, i);
    }
    return text;
}

}  // namespace

std::string joined(const Lines& lines) {
    std::string text;
    for (const Line& line : lines) text += line.text + "\n";
    return text;
}

std::string screen_text(const Lines& lines, int columns, int rows) {
    const auto room = static_cast<std::size_t>(std::max(rows, 1));
    const std::size_t shown = lines.size() <= room ? lines.size() : room - 1;
    std::string text(kHome);
    const auto add = [&](const Line& line) {
        if (text.size() > kHome.size()) text += "\r\n";
        text += colour_of(line.kind);
        text += cut(line.text, static_cast<std::size_t>(std::max(columns, 1)));
        text += kEndOfLine;
    };
    for (std::size_t i = 0; i < shown; ++i) add(lines[i]);
    if (shown < lines.size()) add({LineKind::heading, std::to_string(lines.size() - shown) + " more lines"});
    return text.append(kEndOfScreen);
}

}  // namespace pythonfilter
