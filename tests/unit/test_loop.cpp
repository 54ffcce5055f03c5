// Loop: how it waits. What is called back when is tested through the whole server.
#include "master/loop.h"

#include <doctest/doctest.h>
#include <functional>
#include <memory>
#include <sched.h>
#include <utility>
#include <vector>

using namespace pythonfilter;

namespace {

// That the tests may use: with a single one the loop never stays awake.
int count_processors() {
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

// How often the loop looks for events until `limit` is over, or `enough`; `begin` is called when it has begun to run.
int count_looks(Duration limit, int enough, const std::function<void(Loop&)>& begin) {
    Loop loop;
    int looks = 0;
    BeforeWait before_wait(loop, [&] {
        if (++looks == enough) loop.stop();
    });
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
    CHECK(count_looks(20ms, 100, [](Loop&) {}) <= 3);
}

TEST_CASE("loop: while it stays awake it looks again and again, where another processor does the work meanwhile") {
    const bool has_others = count_processors() > 1;  // then the limit is only for a loop that sleeps
    const Duration limit = has_others ? Duration(30s) : Duration(20ms);
    const int looks = count_looks(limit, 100, [](Loop& loop) { loop.stay_awake(Clock::now() + 1h); });
    if (has_others) CHECK(looks == 100);
    else CHECK(looks <= 3);
}

TEST_CASE("loop: it sleeps again when the moment has come") {
    const auto looks_after = [](Loop& loop) { loop.stay_awake(Clock::now() - 1us); };
    CHECK(count_looks(20ms, 100, looks_after) <= 4);
}

TEST_CASE("loop: what comes through memory is looked for before each wait, and ends a wait that had begun to be said") {
    Loop loop;
    int there = 3, taken = 0, waits = 0, wakes = 0;
    bool comes_late = false;
    MemoryWatch watch(loop, {[&] {
                                 taken += there;
                                 there = 0;
                             },
                             [] {},
                             [&] {
                                 ++waits;
                                 if (!std::exchange(comes_late, true)) there = 1;  // while it is told
                                 return there > 0;
                             },
                             [&] { ++wakes; }});
    Timer end(loop, [&] { loop.stop(); });
    watch.start();
    end.start(5ms);
    loop.run();
    CHECK(taken == 4);
    CHECK(waits == wakes);
    CHECK(waits >= 2);
    CHECK(waits <= 4);
}

TEST_CASE("loop: watches of memory may stop themselves and others, and start again, while they are called") {
    Loop loop;
    int looks = 0;
    std::unique_ptr<MemoryWatch> one, other;
    const auto nothing = [] {};
    const auto never = [] { return false; };
    one = std::make_unique<MemoryWatch>(loop, MemoryWatch::Callbacks{[&] {
                                                                         ++looks;
                                                                         other.reset();
                                                                         one->stop();
                                                                         if (looks < 3) one->start();
                                                                     },
                                                                     nothing, never, nothing});
    other = std::make_unique<MemoryWatch>(loop, MemoryWatch::Callbacks{[&] {
                                                                           FAIL("it is gone");
                                                                       },
                                                                       nothing, never, nothing});
    one->start();
    other->start();
    Timer end(loop, [&] { loop.stop(); });
    end.start(5ms);
    loop.run();
    CHECK(looks == 3);
}
