// nearest_name(): which known name a mistyped one is taken for.
#include "config/nearest.h"

#include <doctest/doctest.h>

using namespace pythonfilter;

TEST_CASE("nearest: typing errors find their name, other words find none") {
    constexpr std::string_view known[] = {"socket", "message_timeout", "request_timeout", "queue", "on_stop", "for"};
    const std::pair<std::string_view, std::string_view> rows[] = {
        {"sokcet", "socket"}, {"soket", "socket"}, {"sockett", "socket"}, {"SOCKET", "socket"}, {"on-stop", "on_stop"},
        {"onstop", "on_stop"}, {"quue", "queue"}, {"que", ""}, {"fro", "for"}, {"mesage_timeuot", "message_timeout"},
        {"requesttimeout", "request_timeout"}, {"", ""}, {"x", ""}, {"timeout", ""}, {"workers", ""}, {"fxy", ""},
    };
    for (const auto& [wrong, nearest] : rows) {
        CAPTURE(wrong);
        CHECK(nearest_name(wrong, known) == nearest);
        CHECK(did_you_mean(wrong, known) == (nearest.empty() ? "" : "; did you mean `" + std::string(nearest) + "`?"));
    }
}

TEST_CASE("nearest: of two the one with fewer errors, then the first") {
    constexpr std::string_view known[] = {"abcd", "abce", "abcf"};
    CHECK(nearest_name("abcx", known) == "abcd");
    CHECK(nearest_name("abcF", known) == "abcf");
}

TEST_CASE("nearest: names too long to be typed are not compared") {
    const std::string long_name(65, 'a');
    const std::string_view known[] = {long_name};
    CHECK(nearest_name(long_name, known) == "");
    CHECK(nearest_name(long_name.substr(1), known) == "");
}
