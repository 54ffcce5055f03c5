// Import and init of one filter. Called by the zygote (preload) or by the worker. A failure is kept as text in the
// filter, which is unavailable from then on; the others stay usable. Whatever a filter does at import or in
// init_filter, SystemExit included, ends here.
#pragma once

#include "message/zygote_protocol.h"
#include "worker/python_object.h"

#include <string>
#include <vector>

namespace pythonfilter {

struct LoadedFilter {
    FilterSpec spec;
    PyObj module;              // null before the import and when it failed
    std::vector<PyObj> hooks;  // doFilter, do_filter: those that exist, in this order; filled by init
    std::string failure;       // not empty: unavailable, and why

    explicit LoadedFilter(FilterSpec filter) : spec(std::move(filter)) {}
    bool available() const { return failure.empty(); }
};

/// Imports pythonfilter.<name>; a dotted name that does not exist there is imported as it stands.
void import_filter(LoadedFilter& filter);

/// Calls initFilter, then init_filter, then collects the hooks. Only after a successful import.
void init_filter(LoadedFilter& filter);

}  // namespace pythonfilter
