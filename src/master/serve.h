// The ways to serve: decides which one it is, and prepares the process for it. Called by main.cpp.
//   guardian    courierfilter started us, or the configuration says so
//   foreground  all else: the master is this very process
//   master      a guardian started us
//   successor   a guardian that was an older program until now
#pragma once

#include "master/command_line.h"

namespace pythonfilter {

/// Guardian or foreground. Returns the exit status.
int serve(const CommandLine& line, const char* argv0);

/// The guardian's child. Returns the exit status.
int serve_for_guardian(const CommandLine& line);

/// A guardian in the process of an older one, whose program was replaced. Returns the exit status.
int serve_as_successor(const CommandLine& line, const char* argv0);

}  // namespace pythonfilter
