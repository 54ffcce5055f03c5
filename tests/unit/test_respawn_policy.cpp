// RespawnPolicy: what is asked of it is a list of lives, what comes back a list of delays.
#include "master/respawn_policy.h"

#include <doctest/doctest.h>
#include <vector>

using namespace pythonfilter;

namespace {

// A child's life: how long until it was ready (never: negative), and how long it lived after that.
struct Life {
    Duration start{};
    Duration ready{};
    bool was_ready = true;
};

constexpr Life failed_start{10ms, {}, false};
constexpr Life quick_death{10ms, 1s, true};
constexpr Life long_life{10ms, 1min, true};

struct Children {
    RespawnPolicy policy;
    TimePoint now{};

    Duration live(Life life) {
        policy.started(now);
        now += life.start;
        if (life.was_ready) {
            policy.became_ready(now);
            now += life.ready;
        }
        const Duration delay = policy.died(now);
        now += delay;
        return delay;
    }
    std::vector<Duration> live(Life life, int times) {
        std::vector<Duration> delays;
        for (int i = 0; i < times; ++i) delays.push_back(live(life));
        return delays;
    }
};

}  // namespace

TEST_CASE("respawn: a child that was ready is replaced at once") {
    Children children;
    CHECK(children.live(long_life) == Duration::zero());
    CHECK(children.live(quick_death) == Duration::zero());
}

TEST_CASE("respawn: a child that dies before it was ready doubles the delay") {
    Children children;
    CHECK(children.live(failed_start, 5) == std::vector<Duration>{100ms, 200ms, 400ms, 800ms, 1600ms});
}

TEST_CASE("respawn: the delay ends at its upper bound") {
    Children children;
    const auto delays = children.live(failed_start, 100);
    CHECK(delays.front() == RespawnPolicy::kFirstDelay);
    CHECK(delays.back() == RespawnPolicy::kMaxDelay);
}

TEST_CASE("respawn: dying again and again soon after being ready backs off as well") {
    Children children;
    for (const Duration delay : children.live(quick_death, RespawnPolicy::kFreeReplacements)) {
        CHECK(delay == Duration::zero());
    }
    CHECK(children.live(quick_death, 3) == std::vector<Duration>{100ms, 200ms, 400ms});
}

TEST_CASE("respawn: a calm life makes all forgotten") {
    Children children;
    children.live(quick_death, 20);
    children.live(failed_start, 20);
    CHECK(children.live(long_life) == Duration::zero());
    CHECK(children.live(failed_start) == RespawnPolicy::kFirstDelay);
}

TEST_CASE("respawn: exactly kCalm is calm, a nanosecond less is not") {
    Children children;
    children.live(failed_start, 3);
    children.live(Life{10ms, RespawnPolicy::kCalm - 1ns, true});
    CHECK(children.live(failed_start) == 800ms);
    children.live(Life{10ms, RespawnPolicy::kCalm, true});
    CHECK(children.live(failed_start) == RespawnPolicy::kFirstDelay);
}

TEST_CASE("respawn: reset() starts from the first delay") {
    Children children;
    children.live(failed_start, 10);
    children.policy.reset();
    CHECK(children.live(failed_start) == RespawnPolicy::kFirstDelay);
}

TEST_CASE("respawn: a start that failed counts like a death before ready") {
    RespawnPolicy policy;
    const TimePoint now{};
    policy.started(now);
    policy.became_ready(now);
    CHECK(policy.died(now) == Duration::zero());
    CHECK(policy.died(now) == RespawnPolicy::kFirstDelay);  // no started() in between
}
