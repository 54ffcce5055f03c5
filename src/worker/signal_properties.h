// What a filter may change for those after it about signals: their handlers in the kernel and in Python, the mask, and
// the timers that send one. Each row says how a value is read and put back. Used by TidyUp, with the interpreter's lock
// held; never lets an exception out.
#pragma once

#include "worker/footprint.h"

namespace pythonfilter {

/// The handlers there are now are the ones that will be put back.
std::vector<Property> signal_properties();

}  // namespace pythonfilter
