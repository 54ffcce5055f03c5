// LogPace: which lines are written at once, and which wait for others.
#include "master/log_pace.h"

#include <doctest/doctest.h>

using namespace pythonfilter;

namespace {

constexpr TimePoint kStart{std::chrono::hours(1)};
constexpr std::size_t kLine = 240;

}  // namespace

TEST_CASE("log pace: the first line after a pause does not wait, those that come close behind it do") {
    LogPace pace;
    CHECK(pace.is_due(kStart, kLine));
    pace.written(kStart);
    CHECK_FALSE(pace.is_due(kStart, kLine));
    CHECK_FALSE(pace.is_due(kStart + LogPace::kPause - 1ms, kLine));
    CHECK(pace.due() == kStart + LogPace::kPause);
    CHECK(pace.is_due(pace.due(), kLine));
    pace.written(pace.due());
    CHECK_FALSE(pace.is_due(kStart + LogPace::kPause, kLine));
}

TEST_CASE("log pace: as much as a pipe takes does not wait") {
    LogPace pace;
    pace.written(kStart);
    CHECK_FALSE(pace.is_due(kStart, LogPace::kTogether - 1));
    CHECK(pace.is_due(kStart, LogPace::kTogether));
}

TEST_CASE("log pace: a line that hurries takes along what waits, once") {
    LogPace pace;
    pace.written(kStart);
    pace.hurry();
    CHECK(pace.is_due(kStart, kLine));
    pace.written(kStart);
    CHECK_FALSE(pace.is_due(kStart, kLine));
}
