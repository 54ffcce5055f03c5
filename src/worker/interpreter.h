// CPython's start in the zygote and its end in a worker, and what filters see of it: sys.path, sys.argv,
// sys.executable, stdout and stderr. Called by zygote, worker_start and worker_loop. It handles no signal of its own: a
// filter that wants one sets it as in any script.
#pragma once

#include "base/result.h"
#include "message/zygote_protocol.h"

namespace pythonfilter {

/// Starts the interpreter and makes the stock filters, `filter_path` and the courier package importable.
Status start_interpreter(const ZygoteSpec& spec);

/// In the zygote, after the imports: what the first messages make the standard library prepare, for all workers.
void warm_up();

/// Writes out what sys.stdout, sys.stderr and C's stdout hold back, so that no line is lost or printed twice after a
/// fork.
void flush_output();

/// Frees what the last messages have left behind in cycles, a tree of objects with the message's text perhaps. Python
/// itself would wait until there are hundreds of objects, whatever their size. Not where the collector is off.
void collect_youngest();

/// Runs Python-level signal handlers that are due; an exception from one goes to stderr.
void run_signal_handlers();

/// What a filter registered with atexit. Non-daemon threads are not waited for, the interpreter is not taken down.
void run_exit_functions();

}  // namespace pythonfilter
