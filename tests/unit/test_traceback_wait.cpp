// TracebackWait: a traceback that is there is not waited for, one that grows is, and none costs the grace.
#include "master/traceback_wait.h"

#include <doctest/doctest.h>

using namespace pythonfilter;

namespace {

const TimePoint zero = TimePoint() + 60min;

TracebackWait started() {
    TracebackWait wait;
    wait.start(zero);
    return wait;
}

}  // namespace

TEST_CASE("traceback: one that is whole at the first look is over after two more") {
    TracebackWait wait = started();
    CHECK_FALSE(wait.is_over(400, zero + 3ms));
    CHECK_FALSE(wait.is_over(400, zero + 6ms));
    CHECK(wait.is_over(400, zero + 9ms));
}

TEST_CASE("traceback: one that grows is waited for, at most for twice the grace") {
    TracebackWait wait = started();
    for (int look = 1; look < 13; ++look) CHECK_FALSE(wait.is_over(100u * look, zero + look * 3ms));
    CHECK(wait.is_over(2000, zero + 40ms));
}

TEST_CASE("traceback: none at all is given up after the grace") {
    TracebackWait wait = started();
    for (int look = 1; look < 7; ++look) CHECK_FALSE(wait.is_over(0, zero + look * 3ms));
    CHECK(wait.is_over(0, zero + 20ms));
}
