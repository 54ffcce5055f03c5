// "Did you mean ...?": the known name that is most like a mistyped one. Used for the errors of the configuration.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace pythonfilter {

/// The known name with the fewest typing errors (a letter too many, missing, wrong, or two swapped; case does not
/// count). Empty when none is near enough to be meant.
std::string_view nearest_name(std::string_view wrong, std::span<const std::string_view> known);

/// "; did you mean `x`?", or nothing.
std::string did_you_mean(std::string_view wrong, std::span<const std::string_view> known);

}  // namespace pythonfilter
