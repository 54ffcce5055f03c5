// Of which times of change the next one is told apart.
#include "base/change_time.h"

#include <doctest/doctest.h>

using namespace pythonfilter;

namespace {

timespec ago(long seconds, long nanoseconds) {
    timespec time{};
    clock_gettime(CLOCK_REALTIME_COARSE, &time);
    time.tv_sec -= seconds;
    time.tv_nsec = nanoseconds;
    return time;
}

}  // namespace

TEST_CASE("time of change: the next change shows a while after the last, unless only whole seconds are kept") {
    timespec now{};
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    CHECK_FALSE(next_change_shows(now));
    CHECK(next_change_shows(ago(2, 1)));
    CHECK(next_change_shows(ago(-2, 1)));  // the clock was set
    CHECK_FALSE(next_change_shows(ago(2, 0)));
    CHECK_FALSE(next_change_shows(ago(100, 0)));
}
