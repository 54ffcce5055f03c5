// Descriptors out of the way of filters: a filter that closes 3 to 63, or counts on the lowest free number, must not
// meet ours. Called wherever zygote or worker gets a descriptor that it keeps for longer than a message.
#pragma once

#include "base/unique_fd.h"

namespace pythonfilter {

/// The same open file under a number from 200 on (from 64 or 10 on where the limit is lower), close-on-exec. The old
/// number when no other is free.
UniqueFd move_high(UniqueFd fd);

/// For what a worker cannot live without: at or above the soft limit on open files, as high as the hard limit allows
/// (but not above 4096), where neither closerange(3, 256) nor a loop up to the limit finds it. Changes the soft limit
/// for a moment: only where no other thread and nobody outside sets it.
UniqueFd move_out_of_reach(UniqueFd fd);

}  // namespace pythonfilter
