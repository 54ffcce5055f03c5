#include "master/succession.h"

#include <doctest/doctest.h>

using namespace pythonfilter;

TEST_CASE("a heritage is read as it was written") {
    const Heritage heritage{4711, 64768, 123456789};
    CHECK(to_text(heritage) == "4711:64768:123456789");
    CHECK(parse_heritage(to_text(heritage)) == heritage);
    CHECK(parse_heritage("0:0:0") == Heritage{});
}

TEST_CASE("nothing else is a heritage") {
    for (const char* text :
         {"", "1", "1:2", "1:2:3:4", "1:2:", ":2:3", "1::3", "-1:2:3", "01:2:3", "1:2:3 ", "a:b:c"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_heritage(text));
    }
    CHECK_FALSE(parse_heritage("4294967297:2:3"));  // no pid is that long
}
