#include "master/tasks_ahead.h"

#include <algorithm>
#include <utility>

namespace pythonfilter {

// No two of those that are sent share a place: there are never more than places.
std::string TasksAhead::offer(Task& task) {
    const auto place = std::find(sent_.begin(), sent_.end(), false);
    *place = true;
    task.place = static_cast<std::uint8_t>(place - sent_.begin());
    task.offer = ++offers_;
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
        if (!scoreboard_.take_back(job.task)) {
            begun.push_front(std::move(job));
            continue;
        }
        sent_[job.task.place] = false;
        back.insert(back.begin(), std::move(job));
    }
    jobs_ = std::move(begun);
    return back;
}

void TasksAhead::answered(const Task& task, Duration time) {
    sent_[task.place] = false;
    policy_.served(time);
}

std::vector<Job> TasksAhead::paused() {
    ++round_;
    policy_.paused();
    return take_back();
}

}  // namespace pythonfilter
