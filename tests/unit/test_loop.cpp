// Loop: how it waits. What is called back when is tested through the whole server.
#include "master/loop.h"

#include <doctest/doctest.h>
#include <functional>
#include <sched.h>

using namespace pythonfilter;

namespace {

// How often the loop looks for events until `limit` is over; `begin` is called when it has begun to run.
int count_looks(Duration limit, const std::function<void(Loop&)>& begin) {
    Loop loop;
    int looks = 0;
    BeforeWait before_wait(loop, [&] { ++looks; });
    Timer end(loop, [&] { loop.stop(); });
    Timer start(loop, [&] {
        looks = 0;
        end.start(limit);
        begin(loop);
    });
    start.start(0s);
    loop.run();
    return looks;
}

}  // namespace

TEST_CASE("loop: it sleeps when nothing happens") {
    CHECK(count_looks(20ms, [](Loop&) {}) <= 3);
}

TEST_CASE("loop: while it stays awake it looks again and again, where another processor does the work meanwhile") {
    const int looks = count_looks(20ms, [](Loop& loop) { loop.stay_awake(Clock::now() + 1h); });
    cpu_set_t processors;
    REQUIRE(sched_getaffinity(0, sizeof processors, &processors) == 0);
    if (CPU_COUNT(&processors) > 1) CHECK(looks > 10);
    else CHECK(looks <= 3);
}

TEST_CASE("loop: it sleeps again when the moment has come") {
    const auto looks_after = [](Loop& loop) { loop.stay_awake(Clock::now() - 1us); };
    CHECK(count_looks(20ms, looks_after) <= 4);
}
