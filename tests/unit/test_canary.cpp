#include "master/canary.h"

#include <doctest/doctest.h>

using namespace pythonfilter;

TEST_CASE("a canary is content with the verdict that was expected, whatever the text") {
    CHECK(canary_problem({"/c.eml", CanaryVerdict::accept}, "200 Ok\n") == "");
    CHECK(canary_problem({"/c.eml", CanaryVerdict::reject}, "550-no\n550 never\n") == "");
    CHECK(canary_problem({"/c.eml", CanaryVerdict::defer}, "451 4.3.0 later\n") == "");
}

TEST_CASE("any other verdict is told with the reply") {
    CHECK(canary_problem({"/c.eml", CanaryVerdict::accept}, "550-no\n550 never\n") ==
          "the canary /c.eml was expected to end with accept, and got: 550-no");
    CHECK(canary_problem({"/c.eml", CanaryVerdict::reject}, "200 Ok\n") ==
          "the canary /c.eml was expected to end with reject, and got: 200 Ok");
}
