// Settings in a packet: every kind of value comes back as it was sent, anything else is refused.
#include "message/settings_codec.h"

#include <doctest/doctest.h>
#include <limits>

using namespace pythonfilter;

namespace {

SettingsSections sample() {
    const SettingValue::Map inner{{std::int64_t{-1}, {std::string("a\0b", 3)}}, {std::string(), {1.5}}};
    const SettingValue::List list{{}, {true}, {false}, {std::numeric_limits<std::int64_t>::min()}, {inner}};
    return {{"limit.py", {{"list", {{list}, 7}}, {"zero", {{-0.0}, 0}}}}, {"ttldb", {}}};
}

std::string packed(const SettingsSections& sections) {
    ByteWriter out;
    put_settings(out, sections);
    return out.take();
}

std::optional<SettingsSections> unpacked(std::string_view bytes) {
    ByteReader in(bytes);
    auto sections = get_settings(in);
    return in.finished() ? std::move(sections) : std::nullopt;
}

SettingsSections nested(std::size_t levels) {
    SettingValue value;
    for (; levels > 0; --levels) value = {SettingValue::List{std::move(value)}};
    return {{"s", {{"k", {std::move(value), 1}}}}};
}

}  // namespace

TEST_CASE("settings codec: every kind of value comes back as it was sent") {
    const auto got = unpacked(packed(sample()));
    REQUIRE(got);
    CHECK(packed(*got) == packed(sample()));
    const Setting& list = got->at("limit.py").at("list");
    CHECK(to_text(list.value) == "[null, true, false, -9223372036854775808, {-1: \"a\\x00b\", \"\": 1.5}]");
    CHECK(list.line == 7);
    CHECK(to_text(got->at("limit.py").at("zero").value) == "-0.0");
    CHECK(got->at("ttldb").empty());
}

TEST_CASE("settings codec: the length is what packed_size() said") {
    std::size_t size = sizeof(std::uint32_t);  // the number of sections
    for (const auto& [section, settings] : sample()) size += packed_size(section, settings);
    CHECK(packed(sample()).size() == size);
}

TEST_CASE("settings codec: bytes cut anywhere, or one more, are refused") {
    const std::string bytes = packed(sample());
    for (std::size_t length = 0; length < bytes.size(); ++length) {
        CAPTURE(length);
        CHECK_FALSE(unpacked(std::string_view(bytes).substr(0, length)));
    }
    CHECK_FALSE(unpacked(bytes + '\0'));
}

TEST_CASE("settings codec: unknown kinds, keys of other kinds and keys out of order are refused") {
    std::string bytes = packed({{"s", {{"k", {{}, 1}}}}});
    CHECK(unpacked(bytes));
    bytes.back() = 8;
    CHECK_FALSE(unpacked(bytes));
    bytes = packed({{"s", {{"k", {{SettingValue::Map{{std::string(), {}}}}, 1}}}}});
    CHECK(unpacked(bytes));
    const std::string empty_text("\5\0\0\0\0", 5);
    bytes.replace(bytes.rfind(empty_text), empty_text.size(), std::string(5, '\0'));  // a null for a key
    CHECK_FALSE(unpacked(bytes));
    bytes = packed({{"s", {{"a", {{}, 1}}, {"b", {{}, 1}}}}});
    CHECK(unpacked(bytes));
    bytes[bytes.rfind('b')] = 'a';
    CHECK_FALSE(unpacked(bytes));
}

TEST_CASE("settings codec: nesting is bounded, a count costs nothing") {
    CHECK(unpacked(packed(nested(kMaxSettingDepth))));
    CHECK_FALSE(unpacked(packed(nested(kMaxSettingDepth + 1))));
    CHECK_FALSE(unpacked("\xff\xff\xff\xff"));
    std::string bytes = packed(nested(1));
    bytes.replace(bytes.size() - 5, 4, "\xff\xff\xff\xff");
    CHECK_FALSE(unpacked(bytes));
}
