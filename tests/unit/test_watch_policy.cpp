// WatchPolicy: a worker with room for 100 processes and 50 threads, and 5 seconds of CPU time; slow after 10 seconds.
#include "master/watch_policy.h"

#include <doctest/doctest.h>

using namespace pythonfilter;

namespace {

const TimePoint zero = TimePoint() + 60min;
constexpr TimePoint never = TimePoint::max();

struct Fixture {
    WatchPolicy policy{{.slow_after = 10s, .cpu = 5s, .children = 100, .threads = 50}};

    Fixture() { policy.ready({}); }

    std::optional<Excess> count(Duration at, int processes, int threads = 1, Duration cpu = 0s) {
        return policy.counted({processes, threads, cpu}, zero + at);
    }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "watch: an idle worker is not looked at") {
    CHECK(policy.next_count() == never);
    CHECK_FALSE(policy.asks_slow());
}

TEST_CASE_FIXTURE(Fixture, "watch: the first look at a job comes after 50 ms, the next ones every 100 ms") {
    policy.job_began(zero);
    CHECK(policy.next_count() == zero + 50ms);
    CHECK_FALSE(count(50ms, 0));
    CHECK(policy.next_count() == zero + 150ms);
    CHECK_FALSE(count(151ms, 3));
    CHECK(policy.next_count() == zero + 251ms);
}

TEST_CASE_FIXTURE(Fixture, "watch: short messages are not looked at, but their worker is once a second") {
    for (int i = 0; i < 20; ++i) {
        policy.job_began(zero + i * 40ms);
        CHECK(policy.next_count() == zero + i * 40ms + 50ms);
        policy.job_ended(zero + i * 40ms + 30ms, false);
        CHECK(policy.next_count() == zero + 1s);
    }
    policy.job_began(zero + 970ms);
    CHECK(policy.next_count() == zero + 1s);
    policy.job_ended(zero + 980ms, false);
    CHECK_FALSE(count(1s, 0));
    CHECK(policy.next_count() == never);
}

TEST_CASE_FIXTURE(Fixture, "watch: processes that a message left are looked at soon, then seldom") {
    policy.job_began(zero);
    policy.job_ended(zero + 10ms, true);
    CHECK(policy.next_count() == zero + 60ms);
    CHECK_FALSE(count(60ms, 2));
    CHECK(policy.next_count() == zero + 160ms);
    CHECK_FALSE(count(160ms, 2));
    CHECK(policy.next_count() == zero + 1160ms);
    CHECK_FALSE(count(1160ms, 0));
    CHECK(policy.next_count() == never);
}

TEST_CASE_FIXTURE(Fixture, "watch: many processes are looked at in a hurry while they become more") {
    policy.job_began(zero);
    CHECK_FALSE(count(50ms, 8));
    CHECK(policy.next_count() == zero + 150ms);
    CHECK_FALSE(count(150ms, 9));
    CHECK(policy.next_count() == zero + 160ms);
    CHECK_FALSE(count(160ms, 9));
    CHECK(policy.next_count() == zero + 260ms);
}

TEST_CASE_FIXTURE(Fixture, "watch: looks that take long come later, also in a hurry") {
    policy.job_began(zero);
    CHECK_FALSE(policy.counted({50, 1, 0s}, zero + 50ms, 1ms));
    CHECK(policy.next_count() == zero + 60ms);
    CHECK_FALSE(policy.counted({60, 1, 0s}, zero + 60ms, 5ms));
    CHECK(policy.next_count() == zero + 60ms + WatchPolicy::kShare * 5ms);
    CHECK_FALSE(policy.counted({60, 1, 0s}, zero + 100ms, 20ms));
    CHECK(policy.next_count() == zero + 100ms + WatchPolicy::kShare * 20ms);
    CHECK_FALSE(policy.counted({60, 1, 0s}, zero + 260ms, 1ms));
    CHECK(policy.next_count() == zero + 360ms);
}

TEST_CASE_FIXTURE(Fixture, "watch: too many processes are a crash, and the reason names the limit") {
    policy.job_began(zero);
    CHECK(policy.most_processes() == 100);
    CHECK_FALSE(count(50ms, 100));
    const auto excess = count(150ms, 101);
    REQUIRE(excess);
    CHECK(excess->event == FailureEvent::crash);
    CHECK(excess->reason == "more than 100 processes below its worker (limits.children)");
}

TEST_CASE_FIXTURE(Fixture, "watch: they are too many without a message as well") {
    policy.job_began(zero);
    policy.job_ended(zero + 10ms, true);
    CHECK(count(60ms, 101));
}

TEST_CASE_FIXTURE(Fixture, "watch: too many threads are a crash") {
    policy.job_began(zero);
    CHECK_FALSE(count(50ms, 0, 50));
    CHECK(count(150ms, 0, 51)->reason == "more than 50 threads (limits.threads)");
}

TEST_CASE_FIXTURE(Fixture, "watch: what init_filter started is not counted") {
    policy.ready({7, 9, 3s});
    CHECK(policy.most_processes() == 107);
    CHECK(policy.most_threads() == 59);
    policy.job_began(zero);
    CHECK_FALSE(count(50ms, 107, 59));
    CHECK(count(150ms, 108, 59));
    policy.job_ended(zero + 160ms, false);
    CHECK_FALSE(count(200ms, 7, 9));
    CHECK(policy.next_count() == never);
}

TEST_CASE_FIXTURE(Fixture, "watch: CPU time counts from the first look at a message") {
    policy.job_began(zero);
    CHECK_FALSE(count(50ms, 0, 1, 100s));
    CHECK_FALSE(count(5050ms, 0, 1, 105s));
    const auto excess = count(5150ms, 0, 1, 105s + 10ms);
    REQUIRE(excess);
    CHECK(excess->event == FailureEvent::timeout);
    CHECK(excess->reason == "more than 5s of CPU time (limits.cpu)");
    policy.job_ended(zero + 6s, false);
    policy.job_began(zero + 7s);
    CHECK_FALSE(count(7050ms, 0, 1, 105s));
    CHECK_FALSE(count(8s, 0, 1, 110s));
}

TEST_CASE_FIXTURE(Fixture, "watch: the time of a child that ended uncounted is not given back") {
    policy.job_began(zero);
    CHECK_FALSE(count(50ms, 1, 1, 10s));
    CHECK_FALSE(count(4s, 1, 1, 14s));
    CHECK_FALSE(count(5s, 0, 1, 10s));
    CHECK_FALSE(count(6s, 0, 1, 15s));
    CHECK(count(7s, 0, 1, 16s));
}

TEST_CASE("watch: CPU time that is not limited is not counted") {
    WatchPolicy policy{{.slow_after = 0s, .cpu = std::nullopt, .children = 0, .threads = 8}};
    policy.ready({});
    policy.job_began(zero);
    CHECK_FALSE(policy.counted({0, 1, 0s}, zero + 50ms));
    CHECK_FALSE(policy.counted({0, 1, 500s}, zero + 500s));
    CHECK(policy.counted({1, 2, 500s}, zero + 501s));
    CHECK_FALSE(policy.asks_slow());
}

TEST_CASE_FIXTURE(Fixture, "watch: a slow filter is told of once in a message, whatever the scoreboard says") {
    policy.job_began(zero);
    CHECK(policy.asks_slow());
    CHECK(policy.next_slow(zero + 10s, zero) == zero + 10s);
    CHECK_FALSE(policy.is_slow(zero + 10s, zero + 9999ms));
    CHECK(policy.is_slow(zero + 10s, zero + 10s));
    CHECK_FALSE(policy.asks_slow());
    policy.job_ended(zero + 11s, false);
    policy.job_began(zero + 12s);
    CHECK(policy.asks_slow());
}

TEST_CASE_FIXTURE(Fixture, "watch: the next filter may begin unseen, so it is asked again in time") {
    policy.job_began(zero);
    CHECK(policy.next_slow(zero + 30s, zero + 1s) == zero + 11s);
    CHECK(policy.next_slow(zero, zero + 1s) == zero + 1s);
}

// ---- where the kernel asks before each process and thread

namespace {

WatchLimits limits(int children, int threads) {
    return {.slow_after = 10s, .cpu = 5s, .children = children, .threads = threads};
}

int taken(WatchPolicy& policy, Creation kind) {
    int count = 0;
    while (policy.takes(kind)) ++count;
    return count;
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "watch: so many threads may be made before a look as are left to the limit") {
    policy.ready({10, 11, 0s});
    CHECK(taken(policy, Creation::thread) == 50);
    CHECK_FALSE(policy.takes(Creation::process));  // it would have a thread
    CHECK_FALSE(count(0ms, 12, 31));
    CHECK(taken(policy, Creation::thread) == 30);
    CHECK_FALSE(count(0ms, 12, 51));
    CHECK(policy.takes(Creation::process));
    CHECK(taken(policy, Creation::thread) == 11);  // the process has one
}

TEST_CASE("watch: the first look at processes shows whether they are many, the next ones come at the limit") {
    WatchPolicy policy(limits(100, 500));
    policy.ready({7, 8, 0s});
    CHECK(taken(policy, Creation::process) == 9);
    CHECK_FALSE(policy.counted({7 + 8, 30, 0s}, zero));
    CHECK_FALSE(policy.crowded());
    CHECK(taken(policy, Creation::process) == 2);
    CHECK_FALSE(policy.counted({7 + 9, 30, 0s}, zero));
    CHECK(policy.crowded());
    CHECK(taken(policy, Creation::process) == 91);
    CHECK_FALSE(policy.counted({7, 8, 0s}, zero));
    CHECK_FALSE(policy.crowded());
}

TEST_CASE("watch: processes of a crowded worker come one by one, threads do not") {
    WatchPolicy policy(limits(800, 5000));
    policy.ready({});
    CHECK_FALSE(policy.counted({50, 51, 0s}, zero));
    CHECK(policy.turn_of(Creation::process, zero) == zero);
    CHECK(policy.turn_of(Creation::process, zero) == zero);
    CHECK_FALSE(policy.counted({51, 52, 0s}, zero));
    CHECK(policy.turn_of(Creation::process, zero) == zero);
    CHECK(policy.turn_of(Creation::process, zero + 1ms) == zero + 5ms);
    CHECK(policy.turn_of(Creation::process, zero + 1ms) == zero + 10ms);
    CHECK(policy.turn_of(Creation::thread, zero + 1ms) == zero + 1ms);
    CHECK(policy.turn_of(Creation::process, zero + 1s) == zero + 1s);
}

TEST_CASE("watch: where forks are slow, fewer make a crowd, and they come slower") {
    const auto crowd_and_pace = [](Duration fork_took) {
        WatchPolicy policy(limits(100, 500));
        policy.started(fork_took);
        policy.ready({});
        int crowd = 0;
        do CHECK_FALSE(policy.counted({++crowd, crowd + 1, 0s}, zero));
        while (!policy.crowded());
        policy.turn_of(Creation::process, zero);
        return std::pair(crowd, policy.turn_of(Creation::process, zero) - zero);
    };
    CHECK(crowd_and_pace(100us) == std::pair(9, Duration(5ms)));
    CHECK(crowd_and_pace(590us) == std::pair(9, Duration(5ms)));
    CHECK(crowd_and_pace(600us) == std::pair(5, Duration(20ms)));
    CHECK(crowd_and_pace(1ms) == std::pair(3, Duration(45ms)));
    CHECK(crowd_and_pace(1s) == std::pair(3, Duration(80ms)));
}

TEST_CASE_FIXTURE(Fixture, "watch: near the limit a quarter of it may be made before the next look") {
    policy = WatchPolicy(limits(100, 500));
    policy.ready({});
    CHECK_FALSE(count(0ms, 99));
    CHECK(taken(policy, Creation::process) == 25);
    CHECK(count(1ms, 124));
    CHECK_FALSE(policy.takes(Creation::process));
    CHECK(policy.no_room(Creation::process).reason == "more than 100 processes below its worker (limits.children)");
    CHECK_FALSE(count(2ms, 30));  // most have ended meanwhile
    CHECK(taken(policy, Creation::process) == 70);
}

TEST_CASE("watch: a small limit is kept to the last one") {
    WatchPolicy policy(limits(2, 3));
    policy.ready({4, 5, 0s});
    CHECK_FALSE(policy.counted({6, 7, 0s}, zero));
    CHECK_FALSE(policy.takes(Creation::process));
    CHECK(policy.no_room(Creation::process).reason == "more than 2 processes below its worker (limits.children)");
    CHECK(policy.takes(Creation::thread));
    CHECK_FALSE(policy.takes(Creation::thread));
    CHECK(policy.no_room(Creation::thread).reason == "more than 3 threads (limits.threads)");
}

TEST_CASE("watch: before it is ready a worker may start a thousand more") {
    WatchPolicy policy(limits(2, 3));
    CHECK(taken(policy, Creation::process) == WatchPolicy::kMostOfInit + 2);
    CHECK_FALSE(policy.crowded());
    CHECK(policy.most_processes() == WatchPolicy::kMostOfInit + 2);
}
