#include "master/filter_statistics.h"
#include "master/pool_history.h"
#include "master/reload_waiters.h"

#include <doctest/doctest.h>

using namespace pythonfilter;

TEST_CASE("filters: numbers are told in the order of the chain, also of a filter that has not run or is gone") {
    FilterStatistics statistics;
    statistics.ran("b", {1, 2'000'000, 1'000'000});
    statistics.ran("b", {1, 4'000'000, 3'000'000});
    statistics.decided("b", Verdict::reject);
    statistics.failed("gone", FailureEvent::timeout);
    statistics.failed("gone", FailureEvent::exit);
    statistics.ran("gone", {7, UINT64_MAX, UINT64_MAX});
    const auto told = statistics.describe({"a", "b", "a"});
    REQUIRE(told.size() == 3);
    CHECK(told[0].name == "a");
    CHECK(told[0].runs == 0);
    CHECK(told[1].name == "b");
    CHECK(told[1].runs == 2);
    CHECK(told[1].rejected == 1);
    CHECK(told[1].mean_ms == doctest::Approx(3.0));
    CHECK(told[1].cpu_ms == doctest::Approx(2.0));
    CHECK(told[1].p99_ms >= 4.0);
    CHECK(told[2].name == "gone");
    CHECK(told[2].timeouts == 1);
    CHECK(told[2].errors == 1);
}

TEST_CASE("history: a worker that was told to leave has not failed") {
    PoolHistory history;
    history.leaves(1);
    history.ended(1, "default/1", "exit status 0", TimePoint(1s));
    CHECK(history.of("default/1").ended == 1);
    CHECK(history.of("default/1").last_failure.empty());
    history.ended(2, "default/1", "SIGSEGV", TimePoint(2s));
    CHECK(history.of("default/1").ended == 2);
    CHECK(history.of("default/1").last_failure == "SIGSEGV");
    CHECK(history.of("default/2").ended == 0);
}

TEST_CASE("reload: who asks while one is under way hears of the next") {
    ReloadWaiters waiters;
    std::vector<std::string> told;
    const auto waiter = [&](const std::string& name) {
        return [&told, name](const std::vector<std::string>& problems) {
            told.push_back(name + (problems.empty() ? "" : ": " + problems.front()));
        };
    };
    waiters.add(waiter("a"));
    waiters.begin();
    waiters.add(waiter("b"));
    waiters.end({"bad"});
    CHECK(told == std::vector<std::string>{"a: bad"});
    waiters.end({});
    CHECK(told.size() == 1);
    waiters.begin();
    waiters.end({});
    CHECK(told.back() == "b");
    waiters.add({});
    waiters.add(waiter("c"));
    waiters.end_all({"the end"});
    CHECK(told.back() == "c: the end");
    CHECK(told.size() == 3);
}
