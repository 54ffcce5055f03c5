// Which settings of filters and modules are secrets, and what is shown in their place. Pure. A guess by name, which
// rather hides too much.
#pragma once

#include "config/settings.h"

#include <string>
#include <string_view>

namespace pythonfilter {

/// Whether a key sounds like a password: one of its words does, as in `smtp_password` or `apiKey`.
bool sounds_secret(std::string_view key);

/// The value under this key as to_text() writes it, with "(not shown)" for each secret, at any depth, and for the
/// password in a URL.
std::string to_text_without_secrets(std::string_view key, const SettingValue& value);

}  // namespace pythonfilter
