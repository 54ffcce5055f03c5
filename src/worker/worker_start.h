// From fork() to the worker loop: the new process becomes a worker with descriptors, group and signals of its own.
// Called by the zygote in the child, which never returns to the zygote's loop.
#pragma once

#include "base/unique_fd.h"
#include "worker/filter_loader.h"
#include "worker/package_guard.h"
#include "worker/sandbox.h"

#include <string>
#include <sys/types.h>
#include <vector>

namespace pythonfilter {

/// The descriptors of a fork packet.
struct WorkerFds {
    UniqueFd task, verdict, error, scoreboard, gate;
};

/// Before any Python runs in the child: group, death with the zygote, subreaper. Leaves when the zygote has gone
/// already.
void become_worker_process(pid_t zygote);

/// The worker's life; returns its exit status. `guard` is the zygote's. `import_here`: the filters were not imported in
/// the zygote.
/// `slow_after`: of the pool. `temporary_directory`: its own, may be empty.
int live_as_worker(WorkerFds fds, std::vector<LoadedFilter>& filters, Sandbox& sandbox, PackageGuard& guard,
                   bool import_here, Duration slow_after, std::string temporary_directory);

}  // namespace pythonfilter
