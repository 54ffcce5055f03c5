// Deadlines of a job: three filters with 10, 20 and 5 seconds, dispatched at zero, budget 60 seconds.
#include "master/job_deadline.h"

#include <doctest/doctest.h>

using namespace pythonfilter;

namespace {

const TimePoint zero = TimePoint() + 60min;

struct Fixture {
    Job job;
    std::optional<Progress> progress;
    ScoreboardView::Running running;

    Fixture() {
        job.task.id = 7;
        job.task.filters = {4, 5, 8};
        job.timeouts = {10s, 20s, 5s};
        job.budget_end = zero + 60s;
    }
    void runs(std::uint32_t filter, Duration since, std::uint64_t task = 7) { running = {task, filter, zero + since}; }
    void finished(std::uint32_t filter) {
        progress.emplace();
        progress->finished = filter;
    }
    JobRun run() const { return {job, zero, progress, running}; }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a worker that tells nothing is at the first filter and has its time") {
    CHECK(running_place(run()) == 0);
    CHECK(filter_deadline(run()) == zero + 10s);
}

TEST_CASE_FIXTURE(Fixture, "the scoreboard says which filter runs since when") {
    runs(5, 3s);
    CHECK(running_place(run()) == 1);
    CHECK(filter_deadline(run()) == zero + 23s);
}

TEST_CASE_FIXTURE(Fixture, "a start in the future lengthens nothing") {
    runs(5, 1000s);
    CHECK(filter_deadline(run()) == zero + 30s);
    runs(8, 1000s);
    CHECK(filter_deadline(run()) == zero + 35s);
}

TEST_CASE_FIXTURE(Fixture, "a start before the dispatch is not believed") {
    runs(4, -100s);
    CHECK(filter_deadline(run()) == zero + 10s);
}

TEST_CASE_FIXTURE(Fixture, "what belongs to another task or to no filter of the job is not believed") {
    runs(5, 3s, 6);
    CHECK(running_place(run()) == 0);
    runs(99, 3s);
    CHECK(running_place(run()) == 0);
    CHECK(filter_deadline(run()) == zero + 10s);
}

TEST_CASE_FIXTURE(Fixture, "progress counts, and the scoreboard cannot take it back") {
    finished(4);
    runs(4, 2s);
    CHECK(running_place(run()) == 1);
    CHECK(filter_deadline(run()) == zero + 30s);
    finished(8);
    CHECK(running_place(run()) == 2);  // behind the last filter: it is still the one to blame
}

TEST_CASE_FIXTURE(Fixture, "a filter is slow some time after it began, and a lie does not put that off") {
    CHECK(slow_time(run(), 3s) == zero + 3s);
    runs(5, 2s);
    CHECK(slow_time(run(), 3s) == zero + 5s);
    runs(5, 1000s);
    CHECK(slow_time(run(), 3s) == zero + 6s);
    runs(5, -1000s);
    CHECK(slow_time(run(), 3s) == zero + 6s);
}

TEST_CASE_FIXTURE(Fixture, "the next look is the deadline, or earlier for a shorter filter that may begin unseen") {
    CHECK(next_look(run(), zero) == zero + 5s);
    runs(8, 3s);
    CHECK(next_look(run(), zero + 3s) == zero + 8s);
    job.budget_end = zero + 6s;
    CHECK(next_look(run(), zero + 3s) == zero + 6s);
}
