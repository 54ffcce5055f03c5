#include "base/log_format.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <map>

using namespace pythonfilter;

namespace {

const WallTime kNow = WallTime(std::chrono::milliseconds(1'700'000'000'123));
// What a filter may put into a name, a message into its id.
const std::string kHostile = "a\" filter=forged\nERR: level=error\\ \x1b[31m \xff\xc2\x9b{\"x\":1},";
const LogFields kFields = {{"filter", "attachments"}, {"message_id", kHostile}, {"worker", ""}};

std::string line(LogFormat format, std::string_view text, const LogFields& fields = {},
                 LogLevel level = LogLevel::info) {
    return format_line(format, level, text, fields, kNow);
}

// Of a datagram as journald reads it.
std::map<std::string, std::string> journal_fields(std::string_view packet) {
    std::map<std::string, std::string> fields;
    while (!packet.empty()) {
        const std::size_t end = packet.find('\n');
        REQUIRE(end != std::string_view::npos);
        const std::string key(packet.substr(0, end));
        std::uint64_t length = 0;
        for (std::size_t i = 0; i < 8; ++i)
            length |= static_cast<std::uint64_t>(static_cast<unsigned char>(packet[end + 1 + i])) << (8 * i);
        fields[key] = std::string(packet.substr(end + 9, length));
        REQUIRE(packet[end + 9 + length] == '\n');
        packet.remove_prefix(end + 10 + length);
    }
    return fields;
}

}  // namespace

TEST_CASE("a plain line is what it always was, whatever its fields") {
    CHECK(line(LogFormat::plain, "text", kFields, LogLevel::error) == "ERR: text\n");
}

TEST_CASE("logfmt: bare words stay bare, all else is quoted") {
    CHECK(line(LogFormat::logfmt, "ready", {{"pool", "default"}, {"worker", "default/3"}}, LogLevel::warning) ==
          "time=2023-11-14T22:13:20.123Z level=warning msg=ready pool=default worker=default/3\n");
    CHECK(line(LogFormat::logfmt, "a \"b\" c", {{"filter", "x=y"}}) ==
          "time=2023-11-14T22:13:20.123Z level=info msg=\"a \\\"b\\\" c\" filter=\"x=y\"\n");
}

TEST_CASE("logfmt: a hostile value stays in its quotes") {
    const std::string text = line(LogFormat::logfmt, escape(kHostile), kFields);
    CHECK(text.find('\n') == text.size() - 1);
    CHECK(text.find('\x1b') == std::string::npos);
    // Outside of quotes only our own words remain.
    std::string outside;
    bool quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (quoted && text[i] == '\\') ++i;
        else if (text[i] == '"') quoted = !quoted;
        else if (!quoted) outside += text[i];
    }
    CHECK_FALSE(quoted);
    CHECK(outside == "time=2023-11-14T22:13:20.123Z level=info msg= filter=attachments message_id=\n");
}

TEST_CASE("json: one object a line, and a hostile value is one string in it") {
    const std::string text = line(LogFormat::json, escape(kHostile), kFields, LogLevel::debug);
    CHECK(text.find('\n') == text.size() - 1);
    const auto object = nlohmann::json::parse(text);
    CHECK(object.size() == 5);
    CHECK(object["time"] == "2023-11-14T22:13:20.123Z");
    CHECK(object["level"] == "debug");
    CHECK(object["msg"] == escape(kHostile));
    CHECK(object["filter"] == "attachments");
    CHECK(object["message_id"] == escape(kHostile));
}

TEST_CASE("json: a text that nobody escaped is no danger either") {
    CHECK(nlohmann::json::parse(line(LogFormat::json, "a\n\xff\"b"))["msg"] == "a\n\xEF\xBF\xBD\"b");
}

TEST_CASE("a long text is cut, and the line is whole") {
    for (const char* part : {"x", "\"", "\\", "\xE2\x82\xAC"}) {
        std::string text;
        while (text.size() < 20'000) text += part;
        const LogFields fields = {{"filter", std::string(1000, '"')}, {"message_id", std::string(1000, '\x01')}};
        for (const auto format : {LogFormat::logfmt, LogFormat::json}) {
            const std::string cut = line(format, text, fields);
            CAPTURE(cut);
            CHECK(cut.size() <= kMaxLogLine);
            CHECK(cut.size() > kMaxLogLine / 2);
            CHECK(cut.back() == '\n');
            CHECK(cut.find("...") != std::string::npos);
            if (format == LogFormat::json) CHECK(nlohmann::json::accept(cut));
        }
    }
}

TEST_CASE("a long value is cut, not in the middle of a character, and says so") {
    const LogFields fields = {{"filter", std::string(249, 'f') + "\xE2\x82\xAC"}};
    const auto value = nlohmann::json::parse(line(LogFormat::json, "text", fields))["filter"].get<std::string>();
    CHECK(value == std::string(247, 'f') + "...");
}

TEST_CASE("journal: every value has its length, so none can begin a field") {
    const std::string packet = format_journal(LogLevel::error, "text\nPRIORITY=0", kFields, "pythonfilter");
    CHECK(journal_fields(packet) == std::map<std::string, std::string>{
                                        {"MESSAGE", "text\nPRIORITY=0"},
                                        {"PRIORITY", "3"},
                                        {"SYSLOG_IDENTIFIER", "pythonfilter"},
                                        {"PYTHONFILTER_FILTER", "attachments"},
                                        {"PYTHONFILTER_MESSAGE_ID", escape(kHostile)}});
}
