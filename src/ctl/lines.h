// Lines of an answer with what each is about, for whoever shows them in colours or has little room. Pure.
#pragma once

#include <string>
#include <vector>

namespace pythonfilter {

enum class LineKind {
    plain,
    title,    // the server
    heading,  // of a table
    active,   // a worker at work
    quiet,    // an idle worker
    warning,  // something is wrong
};

struct Line {
    LineKind kind = LineKind::plain;
    std::string text;  // without LF
};
using Lines = std::vector<Line>;

/// Each with LF.
std::string joined(const Lines& lines);

/// For a terminal of that size: each line cut to `columns` characters, at most `rows` lines, the last of which then
/// says how many are left out. With colours and ends of line, from the first line of the screen on; what stood there
/// before is overwritten.
std::string screen_text(const Lines& lines, int columns, int rows);

}  // namespace pythonfilter
