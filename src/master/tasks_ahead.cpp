#include "master/tasks_ahead.h"

#include <utility>

namespace pythonfilter {

// No two of those that are sent share a place: they are numbered, and there are never more than places.
std::string TasksAhead::offer(Task& task) {
    task.place = static_cast<std::uint8_t>(offered_++ % ScoreboardPage::kPlaces);
    task.round = round_;
    scoreboard_.offer(task);
    return encode(task);
}

std::optional<Job> TasksAhead::pop() {
    if (jobs_.empty()) return std::nullopt;
    std::optional<Job> job(std::move(jobs_.front()));
    jobs_.pop_front();
    return job;
}

// The last one first: the worker takes them in order, so that none is begun behind one that was taken back.
std::vector<Job> TasksAhead::take_back() {
    std::vector<Job> back;
    std::deque<Job> begun;
    for (; !jobs_.empty(); jobs_.pop_back()) {
        Job& job = jobs_.back();
        if (scoreboard_.take_back(job.task)) back.insert(back.begin(), std::move(job));
        else begun.push_front(std::move(job));
    }
    jobs_ = std::move(begun);
    return back;
}

std::vector<Job> TasksAhead::paused() {
    ++round_;
    policy_.paused();
    return take_back();
}

}  // namespace pythonfilter
