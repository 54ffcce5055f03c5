// The three ways to serve: decides which one it is, and prepares the process for it. Called by main.cpp.
//   guardian    courierfilter started us, or the configuration says so
//   foreground  all else: the master is this very process
//   master      a guardian started us
#pragma once

#include "master/command_line.h"

namespace pythonfilter {

/// Guardian or foreground. Returns the exit status.
int serve(const CommandLine& line, const char* argv0);

/// The guardian's child. Returns the exit status.
int serve_for_guardian(const CommandLine& line);

}  // namespace pythonfilter
