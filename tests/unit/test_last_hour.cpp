#include "master/last_hour.h"

#include "master/filter_statistics.h"

#include <doctest/doctest.h>

using namespace pythonfilter;

TEST_CASE("hour: the minute that runs stands last, and sixty are kept") {
    LastHour hour;
    CHECK(hour.is_empty());
    hour.ran(1ms);
    hour.ran(100ms);
    hour.decided(Verdict::reject);
    hour.failed();
    REQUIRE(hour.minutes().size() == LastHour::kMinutes);
    const MinuteStats now = hour.minutes().back();
    CHECK(now.runs == 2);
    CHECK(now.rejected == 1);
    CHECK(now.failed == 1);
    CHECK(now.p50_ms == doctest::Approx(1).epsilon(0.3));
    CHECK(now.p99_ms == doctest::Approx(100).epsilon(0.3));
    hour.minute_ended();
    CHECK(hour.minutes().back() == MinuteStats{});
    CHECK(hour.minutes()[58] == now);
    for (int minute = 0; minute < 58; ++minute) hour.minute_ended();
    CHECK(hour.minutes().front() == now);
    hour.minute_ended();
    CHECK(hour.is_empty());
}

TEST_CASE("hour: of filters only those are told that were seen in it") {
    FilterStatistics statistics;
    statistics.ran("a", {1, 2'000'000, 1'000'000});
    statistics.failed("b", FailureEvent::crash);
    statistics.decided("a", Verdict::accept);
    ServerHour hour;
    statistics.describe(hour);
    REQUIRE(hour.filters.size() == 2);
    CHECK(hour.filters["a"].back().accepted == 1);
    CHECK(hour.filters["b"].back().failed == 1);
    for (int minute = 0; minute < 60; ++minute) statistics.minute_ended();
    ServerHour later;
    statistics.describe(later);
    CHECK(later.filters.empty());
}
