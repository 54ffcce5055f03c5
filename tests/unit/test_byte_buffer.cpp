// ByteWriter and ByteReader: what is put is got, and what is not there is never read.
#include "base/byte_buffer.h"

#include <doctest/doctest.h>
#include <limits>

using namespace pythonfilter;

TEST_CASE("bytes: what was put is got back in order") {
    ByteWriter out;
    out.put<std::uint8_t>(255);
    out.put<std::int32_t>(-7);
    out.put(std::numeric_limits<std::uint64_t>::max());
    out.put_string(std::string_view("a\0b\n", 4));
    out.put_string("");
    out.put<std::uint16_t>(0x1234);
    const std::string bytes = out.take();
    CHECK(bytes.size() == 1 + 4 + 8 + (4 + 4) + 4 + 2);

    ByteReader in(bytes);
    CHECK(in.get<std::uint8_t>() == 255);
    CHECK(in.get<std::int32_t>() == -7);
    CHECK(in.get<std::uint64_t>() == std::numeric_limits<std::uint64_t>::max());
    CHECK(in.get_string() == std::string_view("a\0b\n", 4));
    CHECK(in.get_string() == "");
    CHECK_FALSE(in.finished());
    CHECK(in.get<std::uint16_t>() == 0x1234);
    CHECK(in.finished());
}

TEST_CASE("bytes: reading past the end gives zero and fails") {
    ByteReader in("abc");
    CHECK(in.get<std::uint32_t>() == 0);
    CHECK(in.failed());
    CHECK_FALSE(in.finished());
}

TEST_CASE("bytes: after one failure everything fails, even what would have fitted") {
    ByteReader in("abc");
    in.get<std::uint32_t>();
    CHECK(in.get<std::uint8_t>() == 0);
    CHECK(in.get_string() == "");
    CHECK(in.get_count(1) == 0);
    CHECK_FALSE(in.finished());
}

TEST_CASE("bytes: a string longer than what is left fails, however long it says it is") {
    for (const std::uint32_t length : {4u, 0x7fffffffu, 0xfffffffcu, 0xffffffffu}) {
        ByteWriter out;
        out.put(length);
        out.raw() += "abc";
        ByteReader in(out.bytes());
        CAPTURE(length);
        CHECK(in.get_string() == "");
        CHECK(in.failed());
    }
}

TEST_CASE("bytes: a count is never larger than what can follow") {
    ByteWriter out;
    out.put<std::uint32_t>(2);
    out.raw() += "12345678";
    ByteReader fits(out.bytes());
    CHECK(fits.get_count(4) == 2);
    CHECK_FALSE(fits.failed());
    ByteReader too_many(out.bytes());
    CHECK(too_many.get_count(5) == 0);
    CHECK(too_many.failed());
}

TEST_CASE("bytes: a count of four milliards fails") {
    ByteWriter out;
    out.put<std::uint32_t>(0xffffffffu);
    out.raw().append(64, 'x');
    ByteReader in(out.bytes());
    CHECK(in.get_count(20) == 0);
    CHECK(in.failed());
}

TEST_CASE("bytes: a flag is 0 or 1 and nothing else") {
    ByteWriter out;
    out.put_bool(true);
    out.put_bool(false);
    out.put<std::uint8_t>(2);
    ByteReader in(out.bytes());
    CHECK(in.get_bool());
    CHECK_FALSE(in.get_bool());
    CHECK_FALSE(in.failed());
    CHECK_FALSE(in.get_bool());
    CHECK(in.failed());
}

TEST_CASE("bytes: finished means that nothing remains") {
    ByteReader in("ab");
    in.get<std::uint8_t>();
    CHECK_FALSE(in.finished());
    in.get<std::uint8_t>();
    CHECK(in.finished());
    CHECK(ByteReader("").finished());
}

TEST_CASE("bytes: a number above the last value of an enumeration makes everything fail") {
    enum class Color : std::uint8_t { red, green };
    ByteReader in("\x01\x02\x01");
    CHECK(in.get_enum(Color::green) == Color::green);
    CHECK(in.get_enum(Color::green) == Color::red);
    CHECK(in.failed());
    CHECK(in.get<std::uint8_t>() == 0);
}
