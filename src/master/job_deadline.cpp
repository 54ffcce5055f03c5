#include "master/job_deadline.h"

#include <algorithm>

namespace pythonfilter {

std::size_t running_place(const JobRun& run) {
    const auto& asked = run.job.task.filters;
    const auto place_of = [&](std::uint32_t filter) {
        return static_cast<std::size_t>(std::find(asked.begin(), asked.end(), filter) - asked.begin());
    };
    std::size_t place = run.progress ? place_of(run.progress->finished) + 1 : 0;
    if (run.running.task_id == run.job.task.id) {
        const std::size_t told = place_of(run.running.filter);
        if (told < asked.size()) place = std::max(place, told);
    }
    return std::min(place, asked.size() - 1);
}

namespace {

bool is_believed(const JobRun& run, std::size_t place) {
    return run.running.task_id == run.job.task.id && run.running.filter == run.job.task.filters[place] &&
           run.running.since >= run.dispatched;
}

}  // namespace

// The scoreboard's start time counts only so far as the timeouts of the filters before it allow.
TimePoint filter_deadline(const JobRun& run) {
    const std::size_t place = running_place(run);
    TimePoint latest = run.dispatched;
    for (std::size_t i = 0; i <= place; ++i) latest += run.job.timeouts[i];
    return is_believed(run, place) ? std::min(latest, run.running.since + run.job.timeouts[place]) : latest;
}

// The same: all filters before it may have taken as long.
TimePoint slow_time(const JobRun& run, Duration slow_after) {
    const std::size_t place = running_place(run);
    const TimePoint latest = run.dispatched + slow_after * (place + 1);
    return is_believed(run, place) ? std::min(latest, run.running.since + slow_after) : latest;
}

// The worker goes on to the next filter without a word.
TimePoint next_look(const JobRun& run, TimePoint now) {
    TimePoint next = std::min(filter_deadline(run), run.job.budget_end);
    for (std::size_t i = running_place(run) + 1; i < run.job.timeouts.size(); ++i)
        next = std::min(next, now + run.job.timeouts[i]);
    return next;
}

}  // namespace pythonfilter
