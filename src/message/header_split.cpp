#include "message/header_split.h"

namespace pythonfilter {
namespace {

constexpr std::string_view kField = "message-id:";
constexpr std::string_view kBlanks = " \t\r\n";

bool is_message_id(std::string_view line) {
    if (line.size() < kField.size()) return false;
    for (std::size_t i = 0; i < kField.size(); ++i) {
        const char c = line[i] >= 'A' && line[i] <= 'Z' ? static_cast<char>(line[i] - 'A' + 'a') : line[i];
        if (c != kField[i]) return false;
    }
    return true;
}

bool is_continuation(std::string_view line) { return !line.empty() && (line[0] == ' ' || line[0] == '\t'); }

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(kBlanks);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

}  // namespace

std::optional<HeaderSplit> split_header(std::string_view beginning, bool whole) {
    HeaderSplit split;
    std::size_t value = 0;  // of the Message-ID; 0 while none was found
    bool in_field = false;
    for (std::size_t at = 0; at < beginning.size();) {
        const auto end = beginning.find('\n', at);
        if (end == std::string_view::npos && !whole) return std::nullopt;
        const std::size_t next = end == std::string_view::npos ? beginning.size() : end + 1;
        const std::string_view line = beginning.substr(at, next - at);
        if (line == "\n" || line == "\r\n") {
            split.body = next;
            return split;
        }
        in_field = is_continuation(line) ? in_field : value == 0 && is_message_id(line);
        if (in_field && value == 0) value = at + kField.size();
        if (in_field) split.message_id = trimmed(beginning.substr(value, next - value));
        at = next;
    }
    if (!whole) return std::nullopt;
    split.body = beginning.size();
    return split;
}

}  // namespace pythonfilter
