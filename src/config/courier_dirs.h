// Where Courier lives, as its own program courier-config says. Called by load_config() and find_courier_dirs(). The
// program is found through PATH, gets no descriptor but its output, and is killed when it takes too long: a server must
// start even where Courier's tools are missing, hang or print rubbish.
#pragma once

#include "base/clock.h"
#include "config/config.h"

#include <string>
#include <string_view>

namespace pythonfilter {

struct CourierConfigRun {
    CourierDirs dirs;     // built-in values where the program said nothing usable
    std::string problem;  // what could not be had from it; empty when it said all, or does not exist
};

/// Runs courier-config. Blocks for at most `limit`.
CourierConfigRun run_courier_config(Duration limit = 5s);

/// Takes what is known from lines NAME=value. What is missing or not plausible keeps the built-in value, and `problem`
/// says so.
CourierConfigRun parse_courier_config(std::string_view output);

}  // namespace pythonfilter
