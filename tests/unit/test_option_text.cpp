// Values of options as text, both ways.
#include "config/option_text.h"

#include <doctest/doctest.h>

using namespace pythonfilter;

TEST_CASE("duration: a whole number with a unit, both ways") {
    const std::pair<std::string_view, Duration> rows[] = {
        {"0s", 0s},     {"1ms", 1ms}, {"999ms", 999ms}, {"10s", 10s},
        {"4min", 4min}, {"90s", 90s}, {"1h", 60min},    {"2d", 60min * 48},
    };
    for (const auto& [text, duration] : rows) {
        CHECK(parse_duration(text) == duration);
        CHECK(format_duration(duration) == text);
    }
    CHECK(format_duration(*parse_duration("240s")) == "4min");
    CHECK(format_duration(Duration(5)) == "5ns");
}

TEST_CASE("duration: everything else is refused") {
    for (const std::string_view text : {"", "5", "s", "5 s", " 5s", "5s ", "-5s", "+5s", "1.5s", "05s", "5S", "5m",
                                        "5sec", "5us", "1min30s", "106752d", "99999999999999999999s"})
        CHECK_MESSAGE(!parse_duration(text), text);
    CHECK(parse_duration("106751d"));  // the most that fits into 64 bits of nanoseconds
}

TEST_CASE("whole number: decimal digits, no sign, no leading zero") {
    CHECK(parse_whole_number("0") == 0);
    CHECK(parse_whole_number("9223372036854775807") == INT64_MAX);
    for (const std::string_view text :
         {"", "00", "010", "-1", "+1", "1.0", "1e3", "0x1", "1_0", "9223372036854775808", " 1"})
        CHECK_MESSAGE(!parse_whole_number(text), text);
}

TEST_CASE("texts: what each rule takes and refuses") {
    struct Row {
        TextRule rule;
        std::vector<std::string> good, bad;
    };
    const Row rows[] = {
        {TextRule::module, {"a", "A_1", "sub.mod", "with-dash", std::string(128, 'a')},
         {"", ".a", "a.", "a..b", "a/b", "a b", "caf\xc3\xa9", "a\n", std::string(129, 'a')}},
        {TextRule::pool, {"p", "P-1_x", std::string(32, 'p')}, {"", "a.b", "a b", "a/b", std::string(33, 'p')}},
        {TextRule::path, {"/", "/a b", "/caf\xc3\xa9", "/" + std::string(3999, 'x')},
         {"", "a", "./a", "~/a", "/a\nb", "/a\x7f", "/" + std::string(4000, 'x')}},
        {TextRule::account, {"courier", "mail-1", "first.last", "0"}, {"", "-x", "a b", "a:b", std::string(33, 'u')}},
    };
    for (const Row& row : rows) {
        for (const std::string& text : row.good) CHECK_MESSAGE(plausible_text(row.rule, text), text);
        for (const std::string& text : row.bad) CHECK_MESSAGE(!plausible_text(row.rule, text), text);
    }
}

TEST_CASE("texts: a size is a whole number of KiB, MiB or GiB") {
    CHECK(parse_size("1KiB") == ByteSize{1024});
    CHECK(parse_size("512MiB") == ByteSize{512 << 20});
    CHECK(parse_size("2GiB") == ByteSize{std::int64_t{2} << 30});
    for (const char* bad : {"", "MiB", "1", "1MB", "1 MiB", "-1MiB", "1.5GiB", "01MiB", "9999999999GiB"})
        CHECK_MESSAGE(!parse_size(bad), bad);
    CHECK(format_size({512 << 20}) == "512MiB");
    CHECK(format_size({1536 << 20}) == "1536MiB");
    CHECK(format_size({std::int64_t{2} << 30}) == "2GiB");
    CHECK(format_size({1000}) == "1000 bytes");
}
