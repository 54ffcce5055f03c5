// `pythonfilterctl doctor`: looks at everything between Courier and the filters, says what is wrong with the command
// that mends it, and what Courier would answer to a message now. Changes nothing.
#pragma once

#include "ctl/command_line.h"

namespace pythonfilter {

/// Returns exit_ok when nothing is wrong; warnings do not count.
int doctor(const CtlCommandLine& line);

}  // namespace pythonfilter
