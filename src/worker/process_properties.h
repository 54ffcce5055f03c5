// What of the process a filter may change for those after it: umask, directory, group, limits. Each row says
// how a value is read and put back. Used by TidyUp; only system calls about this very process.
#pragma once

#include "worker/footprint.h"

namespace pythonfilter {

std::vector<Property> process_properties();

/// How many threads this process has.
long count_threads();
/// How much address space filters must leave free for the next message: an eighth of the limit on it; 0 where there is
/// no limit, or less than that is free already.
std::size_t wanted_address_space();
/// At the price of two system calls.
bool has_address_space(std::size_t bytes);
/// Descriptors are given out from the lowest free number, so this rises with a leak; at a twentieth of the price of
/// counting them. The limit when none is free.
long lowest_free_descriptor();
/// True when the standard descriptors are open and number `free` is not, at half the price: no leak has reached it.
bool is_still_free(long free);

}  // namespace pythonfilter
