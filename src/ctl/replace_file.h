// A file that others read while it is written anew: it is replaced in one step, so that nobody sees half of it.
#pragma once

#include "base/result.h"

#include <string>
#include <string_view>

namespace pythonfilter {

/// Readable for all. The error names the path.
Status replace_file(const std::string& path, std::string_view text);

}  // namespace pythonfilter
