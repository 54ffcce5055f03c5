// A short program that answers on its standard output, such as courier-config or systemctl: run, read, and killed with
// all that it started when it takes too long. Blocks until then, so for starts and for programs of the command line.
#pragma once

#include "base/clock.h"
#include "base/result.h"

#include <string>
#include <vector>

namespace pythonfilter {

struct ProgramRun {
    std::string output;  // of standard output; standard error goes nowhere
    int status = 0;      // wait status
};

/// The first word is looked for in PATH. Fails when it cannot be started, prints more than 64 KiB, or takes too long.
Result<ProgramRun> run_program(const std::vector<std::string>& words, Duration limit);

}  // namespace pythonfilter
