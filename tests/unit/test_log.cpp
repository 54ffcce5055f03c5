// The log line: nothing from outside can end a line, forge one or reach a terminal; a line is one write into a pipe.
#include "base/log.h"

#include <doctest/doctest.h>

using namespace pythonfilter;
using namespace std::string_view_literals;

TEST_CASE("escape: plain text and UTF-8 stay as they are") {
    for (const auto text : {"", "plain text, with <marks> & \"quotes\"", "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x93\xa7",
                            "\xc2\xa0", "\xed\x9f\xbf", "\xf4\x8f\xbf\xbf"}) {
        CHECK(escape(text) == text);
    }
}

TEST_CASE("escape: control bytes become \\xNN, so a line cannot be ended or forged") {
    CHECK(escape("a\nERR: forged") == "a\\x0aERR: forged");
    CHECK(escape("a\r\tb\x1b[31m\x7f") == "a\\x0d\\x09b\\x1b[31m\\x7f");
    CHECK(escape("a\0b"sv) == "a\\x00b");
}

TEST_CASE("escape: a backslash is doubled, so an escape cannot be forged") {
    CHECK(escape("\\x0a\\") == "\\\\x0a\\\\");
}

TEST_CASE("escape: C1 control characters are escaped whole") {
    CHECK(escape("\xc2\x9b" "31m") == "\\xc2\\x9b31m");
    CHECK(escape("\xc2\x80") == "\\xc2\\x80");
}

TEST_CASE("escape: bytes that are no UTF-8 are escaped, what is around them stays") {
    CHECK(escape("scaf\xe9@ex") == "scaf\\xe9@ex");
    CHECK(escape("\x80") == "\\x80");
    CHECK(escape("\xc0\xaf") == "\\xc0\\xaf");                  // overlong
    CHECK(escape("\xc1\xbf") == "\\xc1\\xbf");
    CHECK(escape("\xe0\x9f\xbf") == "\\xe0\\x9f\\xbf");         // overlong
    CHECK(escape("\xf0\x8f\xbf\xbf") == "\\xf0\\x8f\\xbf\\xbf");
    CHECK(escape("\xed\xa0\x80") == "\\xed\\xa0\\x80");         // surrogate
    CHECK(escape("\xf4\x90\x80\x80") == "\\xf4\\x90\\x80\\x80");  // above U+10FFFF
    CHECK(escape("\xf5") == "\\xf5");
}

TEST_CASE("escape: a UTF-8 character cut at the end is escaped") {
    CHECK(escape("\xc3") == "\\xc3");
    CHECK(escape("\xe2\x82") == "\\xe2\\x82");
    CHECK(escape("\xf0\x9f\x93") == "\\xf0\\x9f\\x93");
    CHECK(escape("\xe2\x82z") == "\\xe2\\x82z");
}

TEST_CASE("escape_field: delimiters inside a value are escaped") {
    CHECK(escape_field("a> b<c", "<> ") == "a\\x3e\\x20b\\x3cc");
    CHECK(escape_field("say \"no\"", "\"") == "say \\x22no\\x22");
    CHECK(escape_field("caf\xc3\xa9", "e") == "caf\xc3\xa9");
}

TEST_CASE("line: the prefix is the priority that Courier's logger reads") {
    CHECK(format_line(LogLevel::debug, "x") == "DEBUG: x\n");
    CHECK(format_line(LogLevel::info, "x") == "x\n");
    CHECK(format_line(LogLevel::warning, "x") == "WARN: x\n");
    CHECK(format_line(LogLevel::error, "x") == "ERR: x\n");
}

TEST_CASE("line: never longer than kMaxLogLine, and a cut shows") {
    const std::string fits(kMaxLogLine - 1, 'x');
    CHECK(format_line(LogLevel::info, fits) == fits + "\n");
    const std::string cut = format_line(LogLevel::info, fits + "x");
    CHECK(cut.size() == kMaxLogLine);
    CHECK(cut.ends_with("x...\n"));
    CHECK(format_line(LogLevel::error, std::string(1024 * 1024, 'x')).size() == kMaxLogLine);
}

TEST_CASE("line: a cut does not leave a part of a UTF-8 character") {
    for (std::size_t before = 0; before < 4; ++before) {
        std::string text(before, 'x');
        while (text.size() < 2 * kMaxLogLine) text += "\xf0\x9f\x93\xa7";
        std::string line = format_line(LogLevel::info, text);
        CAPTURE(before);
        REQUIRE(line.ends_with("...\n"));
        line.resize(line.size() - 4);
        const bool whole = escape(line) == line;
        CHECK(whole);
        CHECK(line.size() > kMaxLogLine - 9);
    }
}

TEST_CASE("line: a cut in a long tail of broken bytes keeps the line's beginning") {
    const std::string line = format_line(LogLevel::info, "begin" + std::string(2 * kMaxLogLine, '\x80'));
    CHECK(line.starts_with("begin"));
    CHECK(line.size() > kMaxLogLine - 9);
}
