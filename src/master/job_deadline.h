// When the time of a job that runs is over, and which filter is to blame: pure functions of the job, what its worker
// has reported, and the scoreboard, whose values may shorten a deadline and never lengthen one. Called by worker_slot.
#pragma once

#include "master/job.h"
#include "master/scoreboard_view.h"

#include <optional>

namespace pythonfilter {

/// A job at a moment of its run.
struct JobRun {
    const Job& job;
    TimePoint dispatched;
    const std::optional<Progress>& progress;  // the last one
    ScoreboardView::Running running;          // what the scoreboard says now
};

/// Where in job.task.filters the worker is: the filter to blame. < job.task.filters.size()
std::size_t running_place(const JobRun& run);

/// When the time of the filter that runs is over.
TimePoint filter_deadline(const JobRun& run);

/// When the filter that runs will have run for `slow_after`.
TimePoint slow_time(const JobRun& run, Duration slow_after);

/// When to look again: at a deadline, or before, when a filter that has less time may have begun meanwhile.
TimePoint next_look(const JobRun& run, TimePoint now);

}  // namespace pythonfilter
