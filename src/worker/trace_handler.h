// The trace: where the filter is that runs now, written into the scoreboard when the master asks by trace_signal(),
// while the worker lives on. A handler of Python's, run between two byte codes, sees all threads; faulthandler walks
// frames that change under it, and crashed running interpreters in trials. It is used here only while the thread waits
// outside of Python, in a system call: its frames stand still then. A filter that is busy in C, or has blocked or
// replaced the signal, writes nothing. Installed by worker_start, before what filters change is compared with it.
#pragma once

#include "worker/scoreboard_writer.h"

namespace pythonfilter {

/// `fd` stands at the place of the trace in the scoreboard; lent, open until the end. False with a Python error.
bool install_trace_handler(ScoreboardPage* page, int fd);

}  // namespace pythonfilter
