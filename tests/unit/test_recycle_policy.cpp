// When a worker has served long enough, and that a wrong limit makes no storm.
#include "master/recycle_policy.h"

#include <algorithm>
#include <doctest/doctest.h>

using namespace pythonfilter;

namespace {

constexpr ByteSize mib(std::int64_t count) { return {count << 20}; }

RecycleConfig messages(int count) { return {.messages = count}; }
RecycleConfig rss(ByteSize size) { return {.rss = size}; }
RecycleConfig open_files(int count) { return {.open_files = count}; }
RecycleConfig age(Duration length) { return {.age = length}; }

using Told = std::vector<std::string>;

}  // namespace

TEST_CASE("recycle: without limits a worker is never replaced") {
    const RecyclePolicy policy({});
    CHECK_FALSE(policy.wants_rss(20));
    CHECK_FALSE(policy.wants_open_files(20));
    CHECK_FALSE(policy.reason(1'000'000, {mib(100'000), 60'000}));
    CHECK_FALSE(policy.end_of_life(1, {}));
}

TEST_CASE("recycle: a worker has served enough when it has served `messages`") {
    const RecyclePolicy policy(messages(3));
    CHECK_FALSE(policy.reason(2, {}));
    CHECK(policy.reason(3, {}) == "it has served 3 messages");
    CHECK(policy.reason(4, {}));
}

TEST_CASE("recycle: memory is looked at every twenty messages, and more than `rss` is too much") {
    const RecyclePolicy policy(rss(mib(100)));
    CHECK_FALSE(policy.wants_rss(19));
    CHECK(policy.wants_rss(20));
    CHECK_FALSE(policy.wants_rss(21));
    CHECK_FALSE(policy.reason(20, {}));
    CHECK_FALSE(policy.reason(20, {.rss = mib(100)}));
    CHECK(policy.reason(20, {.rss = mib(101)}) == "it holds 101MiB of memory");
}

TEST_CASE("recycle: open files are looked at every twenty messages, and counted no further than needed") {
    const RecyclePolicy policy(open_files(50));
    CHECK_FALSE(policy.wants_open_files(19));
    CHECK(policy.wants_open_files(20) == 51);
    CHECK_FALSE(policy.reason(20, {}));
    CHECK_FALSE(policy.reason(20, {.open_files = 50}));
    CHECK(policy.reason(20, {.open_files = 51}) == "it has more than 50 open files");
}

TEST_CASE("recycle: a limit that a fresh worker exceeds is not heeded, and told once") {
    RecyclePolicy policy({.rss = mib(10), .open_files = 5});
    CHECK(policy.fresh({mib(10), 5}) == Told{});
    CHECK(policy.fresh({mib(12), 5}) == Told{"recycle.rss of 10MiB is not heeded: a fresh worker has 12MiB already"});
    CHECK(policy.fresh({mib(12), 6}) == Told{"recycle.open_files of 5 is not heeded: a fresh worker has more already"});
    CHECK(policy.fresh({mib(12), 6}) == Told{});
    CHECK_FALSE(policy.wants_rss(20));
    CHECK_FALSE(policy.wants_open_files(20));
    CHECK_FALSE(policy.reason(20, {mib(50), 50}));
}

TEST_CASE("recycle: a worker lives as long as `age`, or up to a quarter less") {
    const RecyclePolicy policy(age(100s));
    for (std::uint32_t id = 1; id < 1000; ++id) {
        const auto end = policy.end_of_life(id, TimePoint(1h));
        REQUIRE(end);
        CHECK(*end > TimePoint(1h) + 75s - 1ns);
        CHECK(*end <= TimePoint(1h) + 100s);
    }
    CHECK(policy.age_reason() == "it has reached its age, recycle.age is 100s");
}

TEST_CASE("recycle: workers that were born together do not reach their age together") {
    const RecyclePolicy policy(age(100s));
    for (const std::uint32_t first : {1u, 77u, 4'000'000'000u}) {
        std::vector<TimePoint> ends;
        for (std::uint32_t i = 0; i < 8; ++i) ends.push_back(*policy.end_of_life(first + i, {}));
        std::sort(ends.begin(), ends.end());
        for (std::size_t i = 1; i < ends.size(); ++i) CHECK(ends[i] - ends[i - 1] >= 1s);
    }
}

TEST_CASE("recycle: the longest age does not overflow") {
    const RecyclePolicy policy(age(24h * 365));
    const auto end = policy.end_of_life(12345, TimePoint(1h));
    REQUIRE(end);
    CHECK(*end > TimePoint(1h) + 24h * 270);
}
