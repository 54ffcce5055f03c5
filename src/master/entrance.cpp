#include "master/entrance.h"

#include <utility>

namespace pythonfilter {

void Entrance::close(Duration message_timeout) {
    message_timeout_ = message_timeout;
    closed_ = true;
}

void Entrance::hold(Request request, TimePoint accepted, Client client) {
    if (gauge_.full())
        return router_.turn_away(request, accepted, client, OwnAnswer::queue_full);
    const std::uint64_t number = ++last_;
    Job job;
    job.task.id = number;
    job.budget_end = accepted + message_timeout_;
    job.queued_at = Clock::now();
    job.client_gone = [this, number] { return held_.at(number).client.has_hung_up(); };
    job.done = [this, number](const JobResult& result) { end(number, result.kind); };
    held_.emplace(number, Held{std::move(request), accepted, std::move(client)});
    queue_.push_back(std::move(job));
}

void Entrance::open(Generation& generation) {
    closed_ = false;
    while (auto job = queue_.next()) {
        Held held = std::move(held_.extract(job->task.id).mapped());
        router_.begin(generation, std::move(held.request), held.accepted, std::move(held.client),
                      Clock::now() - job->queued_at);
    }
}

void Entrance::refuse() { queue_.answer_all(JobResult::Kind::stopped); }

// It will not begin.
void Entrance::end(std::uint64_t number, JobResult::Kind why) {
    Held held = std::move(held_.extract(number).mapped());
    const OwnAnswer answer = why == JobResult::Kind::stopped       ? OwnAnswer::stopping
                             : why == JobResult::Kind::client_gone ? OwnAnswer::client_gone
                                                                   : OwnAnswer::out_of_time;
    router_.turn_away(held.request, held.accepted, held.client, answer);
}

}  // namespace pythonfilter
