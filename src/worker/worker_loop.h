// The worker's loop: init of the filters, `ready`, then one task after the other until the master closes the pipe.
// Called by worker_start; returns the exit status. It runs one message at a time and keeps nothing of it.
#pragma once

#include "worker/filter_loader.h"
#include "worker/master_link.h"
#include "worker/sandbox.h"
#include "worker/scoreboard_writer.h"
#include "worker/tidy_up.h"

#include <vector>

namespace pythonfilter {

int run_worker_loop(MasterLink& master, std::vector<LoadedFilter>& filters, ScoreboardWriter& scoreboard,
                    TidyUp& tidy_up, Sandbox& sandbox, bool import_here);

}  // namespace pythonfilter
