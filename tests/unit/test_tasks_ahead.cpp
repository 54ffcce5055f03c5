// TasksAhead: of each task that lies in a worker's pipe exactly one side gets it; and how many may lie there.
#include "master/tasks_ahead.h"

#include <doctest/doctest.h>
#include <utility>

using namespace pythonfilter;

namespace {

// The master's and the worker's side of one page.
struct Sides {
    ScoreboardView scoreboard = std::move(ScoreboardView::create().value());
    TasksAhead ahead{scoreboard};

    Task push(std::uint64_t id) {
        Job job;
        job.task.id = id;
        ahead.offer(job.task);
        ahead.push(job);
        return job.task;
    }
    bool worker_takes(const Task& task) { return scoreboard.take_back(task); }  // the same step on either side
    std::vector<std::uint64_t> take_back() {
        std::vector<std::uint64_t> ids;
        for (const Job& job : ahead.take_back()) ids.push_back(job.task.id);
        return ids;
    }
};

void serve(AheadPolicy& policy, int messages, Duration time) {
    for (int i = 0; i < messages; ++i) policy.served(time);
}

}  // namespace

TEST_CASE("tasks ahead: what the worker has begun is not taken back, and what was taken back it does not begin") {
    Sides sides;
    const Task first = sides.push(11), second = sides.push(12), third = sides.push(13);
    CHECK(sides.worker_takes(first));
    CHECK(sides.take_back() == std::vector<std::uint64_t>{12, 13});
    CHECK_FALSE(sides.worker_takes(second));
    CHECK_FALSE(sides.worker_takes(third));
    CHECK_FALSE(sides.worker_takes(first));
    CHECK(sides.ahead.pop()->task.id == 11);
    CHECK_FALSE(sides.ahead.pop());
}

TEST_CASE("tasks ahead: what was taken back is not begun in the place of what came after it") {
    Sides sides;
    const Task old = sides.push(1);
    CHECK(sides.take_back() == std::vector<std::uint64_t>{1});
    std::uint64_t next = 0;
    SUBCASE("another task") { next = 3; }
    SUBCASE("the same once more") { next = 1; }
    const Task task = sides.push(next);
    CHECK(task.place == old.place);
    CHECK_FALSE(sides.worker_takes(old));
    CHECK(sides.worker_takes(task));
}

TEST_CASE("tasks ahead: whatever is taken back in between, no two that are sent have the same place") {
    Sides sides;
    const Task first = sides.push(1);
    CHECK(sides.worker_takes(first));
    for (std::uint64_t id = 3; id < 100; id += 2) {
        CHECK(sides.push(id).place != first.place);
        CHECK(sides.take_back() == std::vector<std::uint64_t>{id});
    }
    sides.ahead.answered(sides.ahead.pop()->task, 1ms);
    CHECK(sides.push(101).place == first.place);
}

TEST_CASE("tasks ahead: a task of a place that does not exist is nobody's") {
    Sides sides;
    Task task = sides.push(1);
    task.place = ScoreboardPage::kPlaces;
    CHECK_FALSE(sides.worker_takes(task));
}

TEST_CASE("tasks ahead: behind a pause everything is of a new round") {
    Sides sides;
    CHECK(sides.push(1).round == 0);
    CHECK(sides.ahead.paused().size() == 1);
    CHECK(sides.push(2).round == 1);
}

TEST_CASE("tasks ahead: only when a worker has been fast for a while") {
    AheadPolicy policy;
    CHECK_FALSE(policy.takes(1));
    serve(policy, 100, 40us);
    CHECK(policy.takes(1));
    CHECK(policy.takes(AheadPolicy::kMostTasks - 1));
    CHECK_FALSE(policy.takes(AheadPolicy::kMostTasks));
}

TEST_CASE("tasks ahead: all of them together are at most a millisecond of work") {
    AheadPolicy policy;
    serve(policy, 200, 300us);
    CHECK(policy.takes(2));
    CHECK_FALSE(policy.takes(3));
    serve(policy, 200, 600us);
    CHECK_FALSE(policy.takes(2));
}

TEST_CASE("tasks ahead: a single one may wait behind one of some milliseconds") {
    AheadPolicy policy;
    serve(policy, 200, AheadPolicy::kLongest - 1us);
    CHECK(policy.takes(1));
    CHECK_FALSE(policy.takes(2));
    serve(policy, 200, AheadPolicy::kLongest + 1ms);
    CHECK_FALSE(policy.takes(1));
}

TEST_CASE("tasks ahead: one that waits has patience for twice the time that was to be expected, or some milliseconds") {
    AheadPolicy policy;
    CHECK(policy.patience() == AheadPolicy::kTakeBack);
    serve(policy, 200, 40us);
    CHECK(policy.patience() == AheadPolicy::kTakeBack);
    serve(policy, 400, 10ms);
    CHECK(policy.patience() > 19ms);
    CHECK(policy.patience() <= 20ms);
    serve(policy, 200, 400ms);
    CHECK(policy.patience() == AheadPolicy::kTakeBack);
}

TEST_CASE("tasks ahead: what is done in no time is not moved to another worker, and its answer is waited for awake") {
    AheadPolicy policy;
    CHECK(policy.gives_away());
    CHECK_FALSE(policy.answers_soon());
    serve(policy, 200, 40us);
    CHECK_FALSE(policy.gives_away());
    CHECK(policy.answers_soon());
    serve(policy, 200, 300us);
    CHECK(policy.gives_away());
    CHECK_FALSE(policy.answers_soon());
}

TEST_CASE("tasks ahead: an answer within some hundred microseconds is looked for, though nobody stays awake for it") {
    AheadPolicy policy;
    CHECK_FALSE(policy.answer_is_expected());
    serve(policy, 200, 400us);
    CHECK(policy.answer_is_expected());
    CHECK_FALSE(policy.answers_soon());
    serve(policy, 200, 4ms);
    CHECK_FALSE(policy.answer_is_expected());
}

TEST_CASE("tasks ahead: a few that are done in no time stay with one worker, others wake up another") {
    AheadPolicy policy;
    CHECK_FALSE(policy.keeps_together(1));
    serve(policy, 200, 40us);
    CHECK(policy.keeps_together(1));
    CHECK(policy.keeps_together(AheadPolicy::kTogether - 1));
    CHECK_FALSE(policy.keeps_together(AheadPolicy::kTogether));
    serve(policy, 200, 300us);
    CHECK_FALSE(policy.keeps_together(1));
}

TEST_CASE("tasks ahead: one slow message, or a pause, and there are none for some messages") {
    AheadPolicy policy;
    serve(policy, 100, 40us);
    SUBCASE("slow") { policy.served(400ms); }
    SUBCASE("pause") { policy.paused(); }
    CHECK_FALSE(policy.takes(1));
    serve(policy, 60, 40us);
    CHECK(policy.takes(2));
}
