// `pythonfilterctl top`: status, again and again, until the user has seen enough.
#pragma once

#include "ctl/command_line.h"

namespace pythonfilter {

/// Returns the exit status when there is nothing to look at: at the first time, or where the output is no terminal.
int top(const CtlCommandLine& line);

}  // namespace pythonfilter
