// What of the interpreter a filter may change for those after it: environment, sys.path, locale, output streams,
// settings of the standard library that are global, and the courier package itself. Each row says how a value is read
// and put back. Used by TidyUp, with the interpreter's lock held; never lets an exception out.
#pragma once

#include "worker/footprint.h"
#include "worker/package_guard.h"

namespace pythonfilter {

/// The objects there are now are the ones that will be put back. `guard` is lent, and outlives
/// the properties.
std::vector<Property> python_properties(PackageGuard& guard);

}  // namespace pythonfilter
