#include "ctl/table.h"

#include <algorithm>

namespace pythonfilter {
namespace {

constexpr std::size_t kGap = 2;

bool is_number(const std::string& text) {
    return !text.empty() && text.find_first_not_of("0123456789.") == std::string::npos;
}

// Bytes that go on a character take no room of their own.
std::size_t width_of(const std::string& text) {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

}  // namespace

std::vector<std::string> table_lines(const std::vector<std::vector<std::string>>& rows, const std::string& indent) {
    std::vector<std::size_t> widths;
    for (const auto& row : rows) {
        widths.resize(std::max(widths.size(), row.size()));
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
    }
    std::vector<std::string> lines;
    for (const auto& row : rows) {
        std::string line = indent;
        for (std::size_t i = 0; i < row.size(); ++i) {
            const std::string blanks(widths[i] - width_of(row[i]), ' ');
            line += is_number(row[i]) ? blanks + row[i] : row[i] + blanks;
            line.append(kGap, ' ');
        }
        line.erase(line.find_last_not_of(' ') + 1);
        lines.push_back(std::move(line));
    }
    return lines;
}

std::string table_text(const std::vector<std::vector<std::string>>& rows, const std::string& indent) {
    std::string text;
    for (const std::string& line : table_lines(rows, indent)) text += line + "\n";
    return text;
}

}  // namespace pythonfilter
