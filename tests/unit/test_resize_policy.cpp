// When a pool grows and when it shrinks, and that a load which does not change leaves its size alone. The clock is the
// test's own; the last cases let a made-up pool live for an hour.
#include "master/resize_policy.h"

#include <algorithm>
#include <doctest/doctest.h>
#include <random>
#include <vector>

using namespace pythonfilter;

namespace {

constexpr PoolSize bounds(int min, int max) { return {min, max, 1min}; }

// A pool whose workers are ready at once, and that gives each message to the worker used last.
struct FakePool {
    ResizePolicy policy;
    TimePoint now{};
    std::vector<TimePoint> busy_until;  // of the workers that are busy
    std::vector<TimePoint> idle_since;  // of the others, used last last
    std::vector<TimePoint> queue;
    int grown = 0, shrunk = 0;

    explicit FakePool(PoolSize size) : policy(size), idle_since(static_cast<std::size_t>(size.min)) {}

    void step(Duration length, int messages, Duration work) {
        now += length;
        std::erase_if(busy_until, [&](TimePoint end) {
            if (end <= now) idle_since.push_back(now);
            return end <= now;
        });
        for (int i = 0; i < messages; ++i) queue.push_back(now);
        serve(work);
        if (!queue.empty()) {
            const int serving = static_cast<int>(busy_until.size() + idle_since.size());
            const int more = policy.grow({serving, static_cast<int>(queue.size()), queue.front()}, now);
            grown += more;
            idle_since.insert(idle_since.end(), static_cast<std::size_t>(more), now);
            serve(work);
        }
        if (!idle_since.empty() && policy.shrink(idle_since.front(), now)) {
            ++shrunk;
            idle_since.erase(idle_since.begin());
        }
    }

    void serve(Duration work) {
        while (!queue.empty() && !idle_since.empty()) {
            idle_since.pop_back();
            queue.erase(queue.begin());
            busy_until.push_back(now + work);
        }
    }
};

}  // namespace

TEST_CASE("resize: a pool begins with min workers") {
    const ResizePolicy policy(bounds(2, 8));
    CHECK(policy.size() == 2);
    CHECK_FALSE(policy.can_shrink());
}

TEST_CASE("resize: it grows when a message has waited for kQueueWait, and not a nanosecond before") {
    ResizePolicy policy(bounds(2, 8));
    const TimePoint came{5s};
    CHECK(policy.grow({2, 1, came}, came + ResizePolicy::kQueueWait - 1ns) == 0);
    CHECK(policy.grow({2, 0, came}, came + 1h) == 0);
    CHECK(policy.grow({2, 1, came}, came + ResizePolicy::kQueueWait) == 1);
    CHECK(policy.size() == 3);
}

TEST_CASE("resize: by a few at once, and those that are still to come count") {
    ResizePolicy policy(bounds(2, 8));
    const TimePoint now{1h};
    CHECK(policy.grow({2, 50, {}}, now) == ResizePolicy::kAtOnce);
    CHECK(policy.grow({2, 50, {}}, now) == 0);
    CHECK(policy.grow({3, 50, {}}, now) == 1);
    CHECK(policy.grow({5, 1, {}}, now) == 1);
    CHECK(policy.grow({5, 1, {}}, now) == 0);
    CHECK(policy.size() == 6);
}

TEST_CASE("resize: while workers cannot be started it does not ask for more") {
    ResizePolicy policy(bounds(4, 8));
    CHECK(policy.grow({1, 50, {}}, TimePoint(1h)) == 0);
    CHECK(policy.grow({0, 50, {}}, TimePoint(1h)) == 0);
}

TEST_CASE("resize: a replacement that has just come does not make room for more at once") {
    ResizePolicy policy(bounds(2, 8));
    CHECK(policy.grow({3, 50, {}}, TimePoint(1h)) == ResizePolicy::kAtOnce);
}

TEST_CASE("resize: never above max") {
    ResizePolicy policy(bounds(1, 4));
    for (int i = 0; i < 10; ++i) policy.grow({policy.size(), 50, {}}, TimePoint(1h));
    CHECK(policy.size() == 4);
    ResizePolicy fixed(bounds(3, 3));
    CHECK(fixed.grow({3, 50, {}}, TimePoint(1h)) == 0);
}

TEST_CASE("resize: it shrinks by one when a worker was idle for `idle`, and never below min") {
    ResizePolicy policy(bounds(1, 3));
    policy.grow({1, 2, {}}, TimePoint(1h));
    REQUIRE(policy.size() == 3);
    const TimePoint idle{1h};
    CHECK_FALSE(policy.shrink(idle, idle + 1min - 1ns));
    CHECK(policy.shrink(idle, idle + 1min));
    CHECK(policy.size() == 2);
    CHECK(policy.shrink(idle, idle + 1min));
    CHECK_FALSE(policy.shrink(idle, idle + 24h));
    CHECK(policy.size() == 1);
}

TEST_CASE("resize: a pool that grows again soon after it shrank keeps its workers longer") {
    ResizePolicy policy(bounds(1, 2));
    TimePoint now{1h};
    std::vector<Duration> patience;
    for (int i = 0; i < 5; ++i) {
        REQUIRE(policy.grow({1, 1, {}}, now) == 1);
        patience.push_back(policy.patience());
        const TimePoint idle = now;
        now += policy.patience();
        CHECK_FALSE(policy.shrink(idle + 1ns, now));
        REQUIRE(policy.shrink(idle, now));
        now += 1min;
    }
    CHECK(patience == std::vector<Duration>{1min, 2min, 4min, 8min, 8min});
    now += 1h;
    REQUIRE(policy.grow({1, 1, {}}, now) == 1);
    REQUIRE(policy.shrink(now, now + ResizePolicy::kSoon * 1min));
    CHECK(policy.patience() == 4min);
}

TEST_CASE("resize: a burst is met within a second, and forgotten a minute later") {
    FakePool pool(bounds(2, 8));
    pool.step(10ms, 8, 30s);
    for (int i = 0; i < 100; ++i) pool.step(10ms, 0, 30s);
    CHECK(pool.policy.size() == 8);
    CHECK(pool.queue.empty());
    for (int i = 0; i < 120; ++i) pool.step(1s, 0, 30s);
    CHECK(pool.policy.size() == 2);
    CHECK(pool.shrunk == 6);
}

TEST_CASE("resize: a steady load finds its size and keeps it") {
    // Five messages a second at random, 600 ms each: three workers are busy on average.
    FakePool pool(bounds(2, 20));
    std::mt19937 random(1);
    std::bernoulli_distribution comes(0.05);
    const auto run = [&](Duration length) {
        for (const TimePoint end = pool.now + length; pool.now < end;) pool.step(10ms, comes(random) ? 1 : 0, 600ms);
    };
    run(1h);
    const int changes = pool.grown + pool.shrunk;
    CHECK(pool.policy.size() >= 4);
    CHECK(pool.policy.size() < 20);
    run(1h);
    CHECK(pool.grown + pool.shrunk - changes <= 12);  // 60 without patience
}

TEST_CASE("resize: a load that min workers can do leaves the size at min") {
    FakePool pool(bounds(2, 8));
    for (int i = 0; i < 36000; ++i) pool.step(10ms, i % 20 == 0 ? 1 : 0, 300ms);
    CHECK(pool.grown == 0);
    CHECK(pool.shrunk == 0);
}
