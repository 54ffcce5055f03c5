// Columns for a terminal: the first row is the heading, numbers stand at the right. Pure.
#pragma once

#include <string>
#include <vector>

namespace pythonfilter {

/// Each line with `indent` in front. A row may be shorter than the heading; blanks at the end of a line are left out.
std::vector<std::string> table_lines(const std::vector<std::vector<std::string>>& rows, const std::string& indent = {});
/// The same as one text, each line with LF.
std::string table_text(const std::vector<std::vector<std::string>>& rows, const std::string& indent = {});

}  // namespace pythonfilter
