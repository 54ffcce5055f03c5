// When a worker has served long enough, and that a wrong limit makes no storm.
#include "master/recycle_policy.h"

#include <doctest/doctest.h>

using namespace pythonfilter;

namespace {

constexpr ByteSize mib(std::int64_t count) { return {count << 20}; }

RecycleConfig config(std::optional<int> messages, std::optional<ByteSize> rss) { return {messages, rss}; }

}  // namespace

TEST_CASE("recycle: without limits a worker is never replaced") {
    const RecyclePolicy policy(config(std::nullopt, std::nullopt));
    CHECK_FALSE(policy.wants_rss(20));
    CHECK_FALSE(policy.reason(1'000'000, mib(100'000)));
}

TEST_CASE("recycle: a worker has served enough when it has served `messages`") {
    const RecyclePolicy policy(config(3, std::nullopt));
    CHECK_FALSE(policy.reason(2, std::nullopt));
    CHECK(policy.reason(3, std::nullopt) == "it has served 3 messages");
    CHECK(policy.reason(4, std::nullopt));
}

TEST_CASE("recycle: memory is looked at every twenty messages, and more than `rss` is too much") {
    const RecyclePolicy policy(config(std::nullopt, mib(100)));
    CHECK_FALSE(policy.wants_rss(19));
    CHECK(policy.wants_rss(20));
    CHECK_FALSE(policy.wants_rss(21));
    CHECK_FALSE(policy.reason(20, std::nullopt));
    CHECK_FALSE(policy.reason(20, mib(100)));
    CHECK(policy.reason(20, mib(101)) == "it holds 101MiB of memory");
}

TEST_CASE("recycle: a limit that a fresh worker exceeds is not heeded, and told once") {
    RecyclePolicy policy(config(std::nullopt, mib(10)));
    CHECK_FALSE(policy.fresh(mib(10)));
    CHECK(policy.fresh(mib(12)) == "recycle.rss of 10MiB is not heeded: a fresh worker has 12MiB already");
    CHECK_FALSE(policy.fresh(mib(12)));
    CHECK_FALSE(policy.wants_rss(20));
    CHECK_FALSE(policy.reason(20, mib(50)));
}
