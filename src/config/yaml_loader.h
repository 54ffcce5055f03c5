// pythonfilter.yaml -> Config, by the option table. Called by load_config() and the fuzzer. It never stops at the first
// error, and no text makes it throw.
#pragma once

#include "base/result.h"
#include "config/config.h"

#include <string>
#include <string_view>

namespace pythonfilter {

/// The content of a file. `file` is its name for messages; `start` holds what is there already: the instance, and
/// Courier's directories as courier-config has them. Effective values are filled in.
Result<Config> load_yaml(std::string_view text, const std::string& file, Config start = {});

}  // namespace pythonfilter
