// What a plain scalar of a configuration file is: null, a truth value, a number or a text, by the core schema of YAML
// 1.2. Spellings that readers of YAML 1.1 take for something else (no, 010, 1_000, 12:30) are refused: whoever wrote
// one would perhaps get the other. Pure; called by settings_reader.
#pragma once

#include "base/result.h"
#include "config/settings.h"

#include <string_view>

namespace pythonfilter {

/// `text` stood there without quotes and is not empty. The error says what to write instead, to go behind "expected".
Result<SettingValue> read_plain_scalar(std::string_view text);

}  // namespace pythonfilter
