// What /proc says of a process and of all that descends from it, daemons included as long as one above them is a
// subreaper. Read by number, so for counting; who kills checks that the number still means the same process. Called by
// the master, which counts, and by the zygote, which clears away what a dead worker left.
#pragma once

#include "base/clock.h"

#include <optional>
#include <sys/types.h>
#include <vector>

namespace pythonfilter {

struct ProcessFacts {
    pid_t parent = 0;
    int threads = 0;
    Duration cpu{};  // of all its threads, and of children that it has waited for
};

/// Nothing when it is gone.
std::optional<ProcessFacts> read_process(pid_t pid);

/// By pid, zombies included, those of all its threads. `threads`: how many it has.
std::vector<pid_t> children_of(pid_t pid, int threads);

/// Whether a process has a handler for `signal` and does not block it, in its main thread. False when it is gone.
bool catches_signal(pid_t pid, int signal);

struct TreeUsage {
    int processes = 0;  // below the root
    int threads = 0;    // of all, the root's included
    Duration cpu{};     // likewise
    std::vector<pid_t> below{};  // the processes
};

/// Of `root` and all below it. Ends as soon as one of the numbers is greater than asked for.
TreeUsage measure_tree(pid_t root, int processes, int threads);

/// SIGKILL to everything below `root`, which the caller has killed: nothing there can start another process behind its
/// back. Only what has died meanwhile may have left children to the caller.
void kill_below(pid_t root);

}  // namespace pythonfilter
