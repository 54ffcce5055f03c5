// pythonfilter.conf -> Config: the file of the Python daemon whose place this server takes, one filter a line:
//
//   # comment
//   whitelist_auth for greylist attachments    # bypasses these two when it accepts the message
//   attachments
//
// Lines that this daemon ignored are ignored still; lines that stopped it (blanks only, blanks before a comment) are
// ignored too. Called by load_config() and the fuzzer. No text makes it throw.
#pragma once

#include "base/result.h"
#include "config/config.h"

#include <string>
#include <string_view>

namespace pythonfilter {

/// As load_yaml(). Everything but the chain has its default; config.legacy and each policy.legacy are set.
Result<Config> load_legacy(std::string_view text, const std::string& file, Config start = {});

}  // namespace pythonfilter
