// What a word without quotes is. The text of each row is what a file would say; the value is written by to_text().
#include "config/plain_scalar.h"

#include <cmath>
#include <doctest/doctest.h>

using namespace pythonfilter;

namespace {

std::string read(std::string_view text) {
    const auto value = read_plain_scalar(text);
    return value ? to_text(*value) : value.error().text;
}

struct Row {
    std::string_view text, value;
};

}  // namespace

TEST_CASE("plain scalar: null, truth values and numbers of the core schema") {
    const Row rows[] = {
        {"null", "null"}, {"~", "null"}, {"NULL", "null"}, {"true", "true"}, {"True", "true"}, {"FALSE", "false"},
        {"0", "0"}, {"60", "60"}, {"-5", "-5"}, {"+5", "5"}, {"0x1F", "31"}, {"0o640", "416"},
        {"9223372036854775807", "9223372036854775807"}, {"-9223372036854775808", "-9223372036854775808"},
        {"1.5", "1.5"}, {"5.", "5.0"}, {".5", "0.5"}, {"-0.25", "-0.25"}, {"1e3", "1000.0"}, {"1.5E-3", "0.0015"},
        {"1e300", "1e+300"}, {".inf", ".inf"}, {"-.INF", "-.inf"}, {".nan", ".nan"}, {"00.5", "0.5"},
    };
    for (const auto& [text, value] : rows) CHECK(read(text) == value);
}

TEST_CASE("plain scalar: a whole number is whole, with a point or a power it is a float") {
    CHECK(std::get<std::int64_t>(read_plain_scalar("5")->value) == 5);
    CHECK(std::get<double>(read_plain_scalar("5.0")->value) == 5.0);
    CHECK(std::get<double>(read_plain_scalar("5e0")->value) == 5.0);
    CHECK(std::isnan(std::get<double>(read_plain_scalar(".NaN")->value)));
}

TEST_CASE("plain scalar: all else is a text, above all what mail is about") {
    for (const std::string text : {"sqlite", "/var/lib/x", "bob@example.net", "192.0.2.1", "192.0.2.1:3310", "1.2.3",
                                   "1d", "2024-01-31", "-", ".", "e5", "5e", "0x", "0o9", "nulls", "tRue", "nan", "inf",
                                   "y", "::1", "2001:db8::1", "60 * 60", "1 + 1", "None", "[ a", "-.nan", "0b12"})
        CHECK(read(text) == "\"" + text + "\"");
}

TEST_CASE("plain scalar: what two readers of YAML could take for different things is refused") {
    const std::string quotes = " or, for a text, the same in quotes";
    for (const std::string_view text : {"yes", "No", "ON", "off"}) CHECK(read(text) == "true or false" + quotes);
    for (const std::string_view text : {"010", "-0777", "00"})
        CHECK(read(text) == "a number without leading zero" + quotes);
    for (const std::string_view text : {"1_000", "12:30", "1:30:59.5", "1_0.5"})
        CHECK(read(text) == "a number of digits alone" + quotes);
    for (const std::string_view text : {"0b11", "-0x1F", "+0o7"}) CHECK(read(text) == "a decimal number" + quotes);
    for (const std::string_view text : {"9223372036854775808", "0xffffffffffffffff", "99999999999999999999999"})
        CHECK(read(text) == "a whole number of at most 64 bits" + quotes);
    for (const std::string_view text : {"1e999", "-1e-999"})
        CHECK(read(text) == "a number that is not too large or too small" + quotes);
}
