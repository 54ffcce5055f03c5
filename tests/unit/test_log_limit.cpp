#include "master/log_limit.h"

#include <doctest/doctest.h>

using namespace pythonfilter;

namespace {

LogLimit limit_of(int lines, Duration interval = 10s) {
    LogLimit limit;
    limit.configure({lines, interval});
    return limit;
}

const LogLimit::Source kPool{"pool", "default"};
const TimePoint kBegin = TimePoint(100s);

}  // namespace

TEST_CASE("what filters print is limited by pool, what is said of their failures by filter") {
    const LogFields fields = {{"pool", "default"}, {"filter", "clamav"}};
    CHECK(LogLimit::source_of(LogLevel::output, fields) == kPool);
    CHECK(LogLimit::source_of(LogLevel::warning, fields) == LogLimit::Source{"filter", "clamav"});
    CHECK(LogLimit::source_of(LogLevel::info, fields) == LogLimit::Source{});  // the line of a message
    CHECK(LogLimit::source_of(LogLevel::error, {{"pool", "default"}}) == LogLimit::Source{});
}

TEST_CASE("so many lines in each interval, and the rest is counted") {
    LogLimit limit = limit_of(2);
    CHECK(limit.admit(kPool, kBegin));
    CHECK(limit.admit(kPool, kBegin + 9s));
    CHECK_FALSE(limit.admit(kPool, kBegin + 9s));
    CHECK_FALSE(limit.admit(kPool, kBegin + 9999ms));
    CHECK(limit.admit({"pool", "other"}, kBegin + 9s));
    const auto dropped = limit.take_dropped();
    REQUIRE(dropped.size() == 1);
    CHECK(limit.describe(dropped[0]) == "pool default: 2 log lines dropped: more than 2 in 10s (log.limit)");
    CHECK(limit.take_dropped().empty());
    CHECK(limit.admit(kPool, kBegin + 10s));
}

TEST_CASE("zero is no limit, and lines of no source have none") {
    LogLimit none = limit_of(0), one = limit_of(1);
    for (int i = 0; i < 5; ++i) {
        CHECK(none.admit(kPool, kBegin));
        CHECK(one.admit({}, kBegin));
    }
}
