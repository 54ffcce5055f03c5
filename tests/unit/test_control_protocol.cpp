#include "message/control_commands.h"
#include "message/control_protocol.h"
#include "message/server_status_codec.h"

#include <doctest/doctest.h>

using namespace pythonfilter;

namespace {

std::string_view without_lf(const std::string& line) {
    REQUIRE(line.ends_with('\n'));
    REQUIRE(line.find('\n') == line.size() - 1);
    return std::string_view(line).substr(0, line.size() - 1);
}

}  // namespace

TEST_CASE("control: a request comes through as it was") {
    const ControlRequest request{"recycle", {{"pool", "scan\nners\xff"}}};
    const auto line = encode(ControlRequest{"recycle", {{"pool", "scan\nners"}}});
    const auto decoded = decode_control_request(without_lf(line));
    REQUIRE(decoded);
    CHECK(decoded->command == "recycle");
    CHECK(decoded->arguments.at("pool") == "scan\nners");
    CHECK(decode_control_request(without_lf(encode(request))));  // bytes that are not UTF-8 are replaced
    CHECK(encode(ControlRequest{"status", {}}) == "{\"command\":\"status\"}\n");
}

TEST_CASE("control: what is no request is refused") {
    for (const std::string& line :
         {std::string(), std::string("status"), std::string("{}"), std::string("[]"), std::string("null"),
          std::string(R"({"command":1})"), std::string(R"({"command":""})"), std::string(R"({"command":"a","b":"c"})"),
          std::string(R"({"command":"a","arguments":[]})"), std::string(R"({"command":"a","arguments":{"b":1}})"),
          std::string(R"({"command":"a"} x)"), std::string("{\"command\":\"\xff\"}"), std::string(4000, '['),
          R"({"command":")" + std::string(kMaxControlRequest, 'a') + R"("})"}) {
        CAPTURE(line);
        CHECK_FALSE(decode_control_request(line));
    }
}

TEST_CASE("control: answers come through as they were") {
    const auto good = decode_control_answer(without_lf(encode(ControlAnswer{ControlFailure::none, {}, {{"a", 1}}})));
    REQUIRE(good);
    CHECK(good->ok());
    CHECK(good->result.at("a") == 1);
    for (const auto failure : {ControlFailure::bad_request, ControlFailure::not_permitted, ControlFailure::busy,
                               ControlFailure::failed}) {
        const auto bad = decode_control_answer(without_lf(encode(control_failure(failure, "two\nlines"))));
        REQUIRE(bad);
        CHECK(bad->failure == failure);
        CHECK(bad->error == "two\nlines");
    }
    for (const char* line : {"", "{}", R"({"ok":1})", R"({"ok":true})", R"({"ok":false,"error":"x"})",
                             R"({"ok":false,"error":"x","kind":"other"})"}) {
        CAPTURE(line);
        CHECK_FALSE(decode_control_answer(line));
    }
}

TEST_CASE("control: the status of a server comes through JSON as it was") {
    ServerStatus status;
    status.state = "serving";
    status.generation = 3;
    status.queue = {2, 1000};
    status.problems = {"a", "b"};
    status.pools.resize(1);
    status.pools[0].name = "default";
    status.pools[0].workers.resize(2);
    status.pools[0].workers[1] = {"default/2", 17, "busy", "clamav", "<id>", 1.5, 4, 1 << 20, 2, {"SIGSEGV", 3}};
    const Json json = to_json(status);
    const auto again = status_from_json(json);
    REQUIRE(again);
    CHECK(to_json(*again) == json);
    CHECK(again->pools[0].workers[1].last_failure.text == "SIGSEGV");
    CHECK(again->pools[0].workers[1].rss_bytes == 1 << 20);
}

TEST_CASE("control: a status of another version keeps what is known, and one of another type is refused") {
    const auto status = status_from_json(Json{{"state", "serving"}, {"new_in_2030", true}});
    REQUIRE(status);
    CHECK(status->state == "serving");
    CHECK(status->queue.limit == 0);
    CHECK_FALSE(status_from_json(Json{{"state", 1}}));
    CHECK_FALSE(status_from_json(Json::array({1})));
    CHECK_FALSE(filters_from_json(Json::object({{"a", 1}})));
}

TEST_CASE("control: healthy means that it serves, without a problem, in every pool of the generation in force") {
    ServerStatus status;
    status.state = "serving";
    status.generation = 2;
    status.pools.resize(2);
    status.pools[0] = {"default", 2, "serving", 1, 0, "", {}};
    status.pools[1] = {"default", 1, "stopping", 1, 0, "", {}};  // drains
    CHECK(status.healthy());
    status.state = "draining";
    CHECK_FALSE(status.healthy());
    status.state = "serving";
    status.problems = {"x"};
    CHECK_FALSE(status.healthy());
    status.problems.clear();
    status.pools[0].state = "failed";
    CHECK_FALSE(status.healthy());
}

TEST_CASE("control: every command has a name of its own and a paragraph") {
    for (const ControlCommand& command : control_commands()) {
        CHECK(find_control_command(command.name) == &command);
        CHECK_FALSE(command.text.empty());
        CHECK(command.argument.empty() == command.argument_text.empty());
    }
    CHECK(find_control_command("") == nullptr);
}
