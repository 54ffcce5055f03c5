// The log line: levels, escaping, length. Lines end in LF, carry no other control byte and fit into PIPE_BUF, so that
// one write() puts a whole line into a pipe that other filters share. Courier's logger reads the prefixes ERR: and
// WARN: as priorities. Where lines go is log_sink.h's business.
#pragma once

#include <array>
#include <string>
#include <string_view>

namespace pythonfilter {

enum class LogLevel {
    debug,
    output,  // what a filter printed: shown like info, but the first to go when the log does not take all
    info,
    warning,
    error,
};

/// Longest line in bytes, LF included. PIPE_BUF is 4096.
inline constexpr std::size_t kMaxLogLine = 4000;

/// Text made safe for a log line: control bytes and bytes that are not UTF-8 become \xNN, a backslash becomes \\.
std::string escape(std::string_view text);

/// escape(), of several lines: the LF between them stay.
std::string escape_lines(std::string_view text);

/// The bytes that stay as they are in a value between these delimiters, which are printable ASCII. A table, for nearly
/// all of a line is such bytes.
class PlainBytes {
public:
    constexpr explicit PlainBytes(std::string_view delimiters) {
        for (char c = ' '; c <= '~'; ++c) {
            is_plain_[static_cast<unsigned char>(c)] = c != '\\' && delimiters.find(c) == std::string_view::npos;
        }
    }
    constexpr bool contains(char c) const { return is_plain_[static_cast<unsigned char>(c)]; }

private:
    std::array<bool, 256> is_plain_{};
};

/// escape(), for a value between delimiters: the named delimiter bytes are escaped as well.
std::string escape_field(std::string_view text, std::string_view delimiters);
void append_escaped(std::string& out, std::string_view text, const PlainBytes& plain);

/// The greatest number of bytes up to `limit` after which a text can be cut, not in the middle of a UTF-8 character.
std::size_t whole_characters(std::string_view text, std::size_t limit);

/// The priority prefix, the text (already escaped where it came from outside) and LF; cut with "..." when too long.
std::string format_line(LogLevel level, std::string_view text);
void append_line(std::string& out, LogLevel level, std::string_view text);

}  // namespace pythonfilter
