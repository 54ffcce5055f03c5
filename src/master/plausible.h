// What a worker may say of a job that it was given: every chain index in a progress or an outcome must be one of those
// it was asked for, and lists are no longer than an honest worker's. Pure. Called by worker_slot, which kills the
// others.
#pragma once

#include "message/frames.h"

namespace pythonfilter {

bool plausible(const Progress& progress, const Task& task);
bool plausible(const Outcome& outcome, const Task& task);

}  // namespace pythonfilter
