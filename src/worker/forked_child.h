// A filter may fork, and its child may come back out of do_filter: it must never answer, nor keep the master waiting on
// a pipe that looks alive. Python's fork hook takes the pipes and the scoreboard away from such a child; a fork made by
// a C library is noticed when the child returns into C++. Before the worker has started there is nothing to guard.
#pragma once

#include <sys/types.h>
#include <vector>

namespace pythonfilter {

/// Called once, by a worker: these descriptors and this page belong to it alone.
void guard_against_forks(std::vector<int> descriptors, void* page);

/// After every call into a filter: a process that is not the worker ends here, with the status that a pending
/// SystemExit names. What it printed is written out, nothing else of it runs.
void leave_if_forked();
/// Before a write to the master, behind filters that had the time to make a process: the same at the price of a system
/// call, which also finds a child that shares the worker's memory, as that of a vfork() does.
void leave_if_another();

}  // namespace pythonfilter
