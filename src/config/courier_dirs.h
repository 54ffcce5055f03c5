// Where Courier lives, as its own program courier-config says. Used by load_config() and find_courier_dirs(). The
// program is found through PATH, gets no descriptor but its output, and is killed when it takes too long: a server must
// start even where Courier's tools hang.
#pragma once

#include "base/clock.h"
#include "config/config.h"

#include <string>
#include <string_view>

namespace pythonfilter {

struct CourierConfigRun {
    CourierDirs dirs;     // built-in values where the program said nothing usable
    std::string problem;  // why not all of its output was there; empty when it ran well or does not exist
};

/// Runs courier-config. Blocks for at most `limit`.
CourierConfigRun run_courier_config(Duration limit = 5s);

/// Takes what is known from lines NAME=value. What is not plausible is passed over.
void parse_courier_config(std::string_view output, CourierDirs& dirs);

}  // namespace pythonfilter
