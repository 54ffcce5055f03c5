// What a worker may use, and how much it stands back for others. Set by the zygote in the new worker, before any filter
// runs there; never in the zygote itself, which must stay able to fork.
#pragma once

#include "config/config.h"

namespace pythonfilter {

void apply_limits(const LimitsConfig& limits, int nice);

}  // namespace pythonfilter
