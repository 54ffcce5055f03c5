// Which number a new worker gets, and that workers which die young make no storm of forks.
#include "master/worker_numbers.h"

#include <doctest/doctest.h>
#include <vector>

using namespace pythonfilter;

namespace {

// A pool that wants so many workers and starts each as soon as it may, until `end`.
struct Storm {
    WorkerNumbers numbers;
    TimePoint now{};
    std::uint32_t last = 0;
    int forks = 0;

    // Every worker lives for so long, of that ready for `ready`.
    void run(int wanted, Duration life, Duration ready, bool works, TimePoint end) {
        std::vector<std::pair<std::uint32_t, TimePoint>> alive;
        for (; now < end; now += 1ms) {
            std::erase_if(alive, [&](const auto& worker) {
                if (worker.second > now) return false;
                numbers.left(worker.first, works, now);
                return true;
            });
            while (numbers.take(wanted - static_cast<int>(alive.size()), last + 1, now)) {
                alive.emplace_back(++last, now + life);
                ++forks;
                if (ready > Duration(0)) numbers.became_ready(last, now + life - ready);
            }
        }
    }
};

}  // namespace

TEST_CASE("worker numbers: the lowest free one") {
    WorkerNumbers numbers;
    const TimePoint now{1h};
    CHECK(numbers.take(3, 10, now) == 1);
    CHECK(numbers.take(2, 11, now) == 2);
    CHECK(numbers.take(1, 12, now) == 3);
    CHECK_FALSE(numbers.take(0, 13, now));
    numbers.left(11, true, now);
    CHECK(numbers.take(1, 13, now) == 2);
}

TEST_CASE("worker numbers: one that died before it was ready holds all starts back") {
    WorkerNumbers numbers;
    const TimePoint now{1h};
    numbers.take(1, 10, now);
    CHECK(numbers.left(10, false, now) == RespawnPolicy::kFirstDelay);
    CHECK_FALSE(numbers.take(1, 11, now));
    CHECK(numbers.next(1) == now + RespawnPolicy::kFirstDelay);
    CHECK_FALSE(numbers.take(2, 11, now));
    CHECK_FALSE(numbers.take(1, 12, now + RespawnPolicy::kFirstDelay - 1ns));
    CHECK(numbers.take(1, 12, now + RespawnPolicy::kFirstDelay) == 1);
}

TEST_CASE("worker numbers: a worker that becomes ready lets those try again that were not") {
    WorkerNumbers numbers;
    const TimePoint now{1h};
    numbers.take(2, 10, now);
    numbers.take(1, 11, now);
    CHECK(numbers.left(10, false, now) == RespawnPolicy::kFirstDelay);
    numbers.became_ready(11, now);
    CHECK(numbers.take(1, 12, now) == 1);
    CHECK(numbers.left(12, false, now) == RespawnPolicy::kFirstDelay);
    CHECK(numbers.left(11, true, now) == RespawnPolicy::kFirstDelay);
}

TEST_CASE("worker numbers: next() speaks of as many as are lacking") {
    WorkerNumbers numbers;
    const TimePoint now{1h};
    CHECK_FALSE(numbers.next(1));
    numbers.take(2, 10, now);
    numbers.take(1, 11, now);
    CHECK_FALSE(numbers.next(2));
    numbers.left(11, true, now);
    CHECK(numbers.next(1) == now);
    CHECK_FALSE(numbers.next(0));
}

TEST_CASE("worker numbers: who has worked, lived a while or was told to leave is replaced at once") {
    WorkerNumbers numbers;
    TimePoint now{1h};
    for (std::uint32_t holder = 1; holder < 50; ++holder) {
        REQUIRE(numbers.take(1, holder, now) == 1);
        numbers.became_ready(holder, now);
        if (holder % 3 == 0) now += WorkerNumbers::kCalm;
        if (holder % 3 == 1) numbers.excuse(holder);
        CHECK(numbers.left(holder, holder % 3 == 2, now) == Duration(0));
    }
}

TEST_CASE("worker numbers: an excuse is for one life") {
    WorkerNumbers numbers;
    const TimePoint now{1h};
    numbers.take(1, 10, now);
    numbers.excuse(10);
    CHECK(numbers.left(10, false, now) == Duration(0));
    numbers.take(1, 11, now);
    CHECK(numbers.left(11, false, now) == RespawnPolicy::kFirstDelay);
}

TEST_CASE("worker numbers: workers that die young make no storm, be they ready or not") {
    for (const Duration ready : {Duration(0), Duration(1ms)}) {
        Storm storm;
        storm.run(8, 2ms, ready, false, TimePoint(10min));
        // 8 numbers, each with 10 steps up to kMaxDelay, then twice a minute; the first few at once.
        CHECK(storm.forks <= 8 * (RespawnPolicy::kFreeReplacements + 10 + 20));
        CHECK(storm.forks >= 8 * 20);
    }
}

TEST_CASE("worker numbers: workers that a message kills are replaced as fast as messages come") {
    Storm storm;
    storm.run(1, 10ms, 5ms, true, TimePoint(1s));
    CHECK(storm.forks >= 99);
}
