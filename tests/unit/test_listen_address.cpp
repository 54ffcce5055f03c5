#include "config/listen_address.h"

#include <doctest/doctest.h>

using namespace pythonfilter;

TEST_CASE("listen: an address with a port, or a path") {
    const auto four = parse_listen_address("127.0.0.1:9780");
    REQUIRE(four);
    CHECK(four->ip == "127.0.0.1");
    CHECK(four->port == 9780);
    CHECK(four->is_local());
    CHECK(!four->is_ipv6());
    const auto six = parse_listen_address("[::1]:1");
    REQUIRE(six);
    CHECK(six->ip == "::1");
    CHECK(six->is_ipv6());
    CHECK(six->is_local());
    const auto path = parse_listen_address("/run/courier/page");
    REQUIRE(path);
    CHECK(path->path == "/run/courier/page");
    CHECK(path->is_local());
    for (const char* other : {"0.0.0.0:80", "192.0.2.1:80", "[::]:80", "[2001:db8::1]:80", "[::ffff:127.0.0.1]:80"}) {
        CAPTURE(other);
        REQUIRE(parse_listen_address(other));
        CHECK(!parse_listen_address(other)->is_local());
    }
}

TEST_CASE("listen: what is neither") {
    for (const char* text : {"", "9780", ":9780", "localhost:9780", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0",
                             "127.0.0.1:65536", "127.0.0.1:080", "::1:80", "[127.0.0.1]:80", "127.1:80", "run/page"}) {
        CAPTURE(text);
        CHECK(!parse_listen_address(text));
    }
}
