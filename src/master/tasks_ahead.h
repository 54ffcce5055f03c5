// TasksAhead: the jobs that a worker has been sent behind the one that it runs, in order, and the offers in its
// scoreboard by which either the worker begins one or the master takes it back, never both. Owned by worker_slot.
#pragma once

#include "master/ahead_policy.h"
#include "master/job.h"
#include "master/scoreboard_view.h"

#include <array>
#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace pythonfilter {

class TasksAhead {
public:
    explicit TasksAhead(ScoreboardView& scoreboard) : scoreboard_(scoreboard) {}

    /// The frame of a task that is about to be sent. The offer stands from now on.
    std::string offer(Task& task);
    /// Its frame has been made by offer(), and the worker has another one to do first.
    void push(Job job) { jobs_.push_back(std::move(job)); }
    /// The one that the worker does next.
    std::optional<Job> pop();
    /// Those that the worker has not begun, in order. What stays is begun, or a lie.
    std::vector<Job> take_back();
    /// As take_back(); the worker will not begin what it was sent before now.
    std::vector<Job> paused();
    std::size_t size() const { return jobs_.size(); }

    /// The worker has answered the task after so long.
    void answered(const Task& task, Duration time);
    /// Whether there may be one more behind the one that runs.
    bool takes_one() const { return policy_.takes(jobs_.size() + 1); }
    /// Whether there is something that a worker with nothing to do had better take over.
    bool gives_away() const { return !jobs_.empty() && policy_.gives_away(); }
    /// Whether it takes one more although another worker has nothing to do.
    bool keeps_together() const { return policy_.keeps_together(jobs_.size() + 1); }
    bool answers_soon() const { return policy_.answers_soon(); }
    bool answer_is_expected() const { return policy_.answer_is_expected(); }
    Duration patience() const { return policy_.patience(); }

private:
    ScoreboardView& scoreboard_;
    AheadPolicy policy_;
    std::deque<Job> jobs_;  // fewer than kPlaces
    std::array<bool, ScoreboardPage::kPlaces> sent_{};  // the places of those that are neither answered nor taken back
    std::uint64_t offers_ = 0;
    std::uint32_t round_ = 0;
};
static_assert(AheadPolicy::kMostTasks <= ScoreboardPage::kPlaces);

}  // namespace pythonfilter
