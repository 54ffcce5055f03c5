// Courier's file `enablefiltering`: which mail is filtered at all. Its first line holds words with blanks between them;
// commas and comments are not what they seem. Pure.
#pragma once

#include "ctl/finding.h"

#include <optional>
#include <string>
#include <string_view>

namespace pythonfilter {

/// `text`: of the file at `path`; nullopt when there is none.
Findings examine_enablefiltering(const std::string& path, std::optional<std::string_view> text);
/// Whether mail of a module, such as `esmtp`, is filtered.
bool filters_mail_of(std::string_view module, std::optional<std::string_view> text);

}  // namespace pythonfilter
