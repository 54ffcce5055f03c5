// The option table as the section OPTIONS of the manual page pythonfilter.yaml(5). Called by print_manual.cpp, a
// program of the build. Nothing about a key may be said here: that is the table's.
#pragma once

#include <iosfwd>
#include <string>
#include <string_view>

namespace pythonfilter {

/// Text for man(7): what troff would take for a command or a hyphen is made literal, and `words` in backquotes are set
/// in bold.
std::string manual_text(std::string_view text);

/// The page with `made` in the place of the line `mark`. False when there is no such line.
bool fill_in_page(std::istream& page, std::string_view mark, const std::string& made, std::ostream& out);

/// Every key by its whole path, with its paragraph, what it takes and its default.
std::string print_manual_options();

}  // namespace pythonfilter
