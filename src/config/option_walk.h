// A walk over all rows of the option table, outer before inner, with the default of each. The sample file, the manual
// page and the hints of error messages are written from it.
#pragma once

#include "config/option_table.h"

#include <functional>
#include <string>

namespace pythonfilter {

struct OptionVisit {
    const std::string& path;  // "server.queue.limit", "pools.NAME.workers", "filters[].pool"
    int depth;                // 0 at the top level; keys of a pool are two deeper than `pools`
    const Option& option;
    const Slot& slot;         // of a default-constructed struct
    bool descends;            // the rows of option.section follow (once, where it is used in several places)
    bool first_of_element;    // the first key of an element of a list
    bool in_element;          // any key of it
};

void walk_options(const std::function<void(const OptionVisit&)>& visit);

/// The default, or what it means that the key is absent.
std::string default_text(const Option& option, const Slot& slot);

/// What the key takes, its default, and whether a change needs a restart, as sentences: "A duration from 1s to 9min,
/// with a unit (ms, s, min, h, d); default: 4min." Empty for a key that has only keys of its own.
std::string facts_of(const OptionVisit& visit);

}  // namespace pythonfilter
