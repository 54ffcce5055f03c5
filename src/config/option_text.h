// Options as text, both ways: which texts a value may have, and how a value, its bounds and its kind are written. Pure
// functions over the rows of option_table.h, used by the loaders, the errors and the sample file.
#pragma once

#include "config/option_table.h"

#include <optional>
#include <string>
#include <string_view>

namespace pythonfilter {

/// "10s", "4min", "500ms", "1h", "1d". Nothing when it is not a whole number with one of these units, or too large.
std::optional<Duration> parse_duration(std::string_view text);
/// With the largest unit that fits: 240 s is "4min".
std::string format_duration(Duration d);

/// "512MiB", with KiB, MiB or GiB. Nothing when it is not a whole number with one of these units, or too large.
std::optional<ByteSize> parse_size(std::string_view text);
/// With the largest unit that fits.
std::string format_size(ByteSize size);

/// Decimal digits only, no sign, no leading zero: YAML would read 010 as 8.
std::optional<std::int64_t> parse_whole_number(std::string_view text);

/// Whether `text` is a possible value under a rule: a name that can be a module, a path from the root, and so on.
bool plausible_text(TextRule rule, std::string_view text);
/// What the rule takes, to go behind "expected".
std::string describe_text(TextRule rule);

/// What the row takes, to go behind "expected": "a whole number from 1 to 1000".
std::string describe_expected(const Option& option, const Slot& slot);

/// The value in the slot as it would be written. Empty for an optional that is absent (option.unset says what that
/// means) and for what has keys of its own.
std::string value_text(const Option& option, const Slot& slot);

}  // namespace pythonfilter
