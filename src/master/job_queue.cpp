#include "master/job_queue.h"

#include <utility>

namespace pythonfilter {
namespace {

constexpr Duration kExpiryStep = 1s;  // how late a waiting job may hear that its time is over
// To ask is a system call; of a client that hangs up so soon the worker finds the files gone.
constexpr Duration kJustCame = 1ms;

}  // namespace

void JobQueue::push_back(Job job) {
    jobs_.push_back(std::move(job));
    added();
}

void JobQueue::push_front(Job job) {
    jobs_.push_front(std::move(job));
    added();
}

void JobQueue::added() {
    ++gauge_.waiting;
    if (!to_expire_.active()) to_expire_.start(kExpiryStep);
}

Job JobQueue::take() {
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    --gauge_.waiting;
    return job;
}

// Set when the job need not be run any more.
std::optional<JobResult::Kind> JobQueue::fate(const Job& job, TimePoint now) {
    if (now >= job.budget_end) return JobResult::Kind::out_of_time;
    if (now - job.queued_at > kJustCame && job.client_gone()) return JobResult::Kind::client_gone;
    return std::nullopt;
}

std::optional<Job> JobQueue::next() {
    while (!jobs_.empty()) {
        Job job = take();
        const auto its_fate = fate(job, Clock::now());
        if (!its_fate) return job;
        answer(std::move(job), *its_fate);
    }
    return std::nullopt;
}

// Each job leaves the queue before its answer, which may bring new ones.
void JobQueue::expire() {
    const TimePoint now = Clock::now();
    for (std::size_t left = jobs_.size(); left > 0 && !jobs_.empty(); --left) {
        Job job = take();
        if (const auto its_fate = fate(job, now)) answer(std::move(job), *its_fate);
        else push_back(std::move(job));
    }
}

void JobQueue::answer_all(JobResult::Kind kind) {
    for (std::size_t left = jobs_.size(); left > 0 && !jobs_.empty(); --left) answer(take(), kind);
}

void JobQueue::answer(Job job, JobResult::Kind kind) {
    JobResult result;
    result.kind = kind;
    result.queue_wait = Clock::now() - job.queued_at;
    const auto done = std::move(job.done);
    done(std::move(result));
}

}  // namespace pythonfilter
