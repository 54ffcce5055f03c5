// RequestParser: what Courier sends, in any pieces; what nobody should send is refused with a reason.
#include "message/request.h"

#include <doctest/doctest.h>

using namespace pythonfilter;
using State = RequestParser::State;

namespace {

RequestParser parser() {
    static const std::string spool_tmp = "/var/lib/courier/tmp";
    return RequestParser(spool_tmp);
}

constexpr std::string_view one_control_file =
    "/var/lib/courier/tmp/179534/D1074319\n/var/lib/courier/tmp/179534/1795341886.12311.mail.test\n\n";

// The problem that a whole request is refused for; empty when it is not.
std::string problem_of(std::string_view bytes) {
    RequestParser request = parser();
    return request.feed(bytes) == State::bad ? request.problem() : std::string();
}

}  // namespace

TEST_CASE("request: body and one control file") {
    RequestParser request = parser();
    CHECK_FALSE(request.started());
    REQUIRE(request.feed(one_control_file) == State::complete);
    CHECK(request.started());
    CHECK(request.request().body_path == "/var/lib/courier/tmp/179534/D1074319");
    CHECK(request.request().control_paths ==
          std::vector<std::string>{"/var/lib/courier/tmp/179534/1795341886.12311.mail.test"});
}

TEST_CASE("request: several control files keep their order") {
    RequestParser request = parser();
    REQUIRE(request.feed("/t/D7\n/t/C7.1\n/t/C7.2\n/t/C7.10\n\n") == State::complete);
    CHECK(request.request().control_paths == std::vector<std::string>{"/t/C7.1", "/t/C7.2", "/t/C7.10"});
}

TEST_CASE("request: every way to cut it into two pieces gives the same") {
    for (std::size_t cut = 1; cut < one_control_file.size(); ++cut) {
        RequestParser request = parser();
        CAPTURE(cut);
        CHECK(request.feed(one_control_file.substr(0, cut)) == State::incomplete);
        REQUIRE(request.feed(one_control_file.substr(cut)) == State::complete);
        CHECK(request.request().body_path == "/var/lib/courier/tmp/179534/D1074319");
        CHECK(request.request().control_paths.size() == 1);
    }
}

TEST_CASE("request: it may come byte by byte") {
    RequestParser request = parser();
    for (std::size_t i = 0; i + 1 < one_control_file.size(); ++i) {
        REQUIRE(request.feed(one_control_file.substr(i, 1)) == State::incomplete);
    }
    CHECK(request.feed("\n") == State::complete);
}

TEST_CASE("request: relative paths lie in Courier's tmp directory") {
    RequestParser request = parser();
    REQUIRE(request.feed("179534/D1\n179534/C1.1\n\n") == State::complete);
    CHECK(request.request().body_path == "/var/lib/courier/tmp/179534/D1");
    CHECK(request.request().control_paths.front() == "/var/lib/courier/tmp/179534/C1.1");
}

TEST_CASE("request: CR LF and blanks around a path are taken off, blanks inside stay") {
    RequestParser request = parser();
    REQUIRE(request.feed("/t/D1 \r\n \t/t/a b\r\n\r\n") == State::complete);
    CHECK(request.request().body_path == "/t/D1");
    CHECK(request.request().control_paths == std::vector<std::string>{"/t/a b"});
}

TEST_CASE("request: bytes after the empty line are ignored") {
    RequestParser request = parser();
    CHECK(request.feed("/t/D1\n/t/C1\n\n/t/C2\n") == State::complete);
    CHECK(request.request().control_paths.size() == 1);
}

TEST_CASE("request: bytes that are not UTF-8 are part of a path like any other") {
    RequestParser request = parser();
    REQUIRE(request.feed("/t/D1\n/t/\xff\xe9\n\n") == State::complete);
    CHECK(request.request().control_paths.front() == "/t/\xff\xe9");
}

TEST_CASE("request: without a message or a control file it is refused") {
    CHECK(problem_of("\n") == "no path of the message");
    CHECK(problem_of("/t/D1\n\n") == "no path of a control file");
}

TEST_CASE("request: a line of blanks is neither a path nor the end") {
    CHECK(problem_of("/t/D1\n \n\n") == "a path of blanks only");
    CHECK(problem_of("  \n/t/C1\n\n") == "a path of blanks only");
}

TEST_CASE("request: a NUL in a path is refused, also in an unfinished line") {
    using namespace std::string_view_literals;
    CHECK(problem_of("/t/D1\n/t/C\0001\n\n"sv) == "NUL byte in a path");
    CHECK(problem_of("/t/D\0"sv) == "NUL byte in a path");
}

TEST_CASE("request: one without end is refused as soon as it is too long") {
    RequestParser request = parser();
    const std::string piece(64 * 1024, 'x');
    for (int i = 0; i < 3; ++i) CHECK(request.feed(piece) == State::incomplete);
    CHECK(request.feed(piece + "x") == State::bad);
    CHECK(request.problem() == "longer than 262144 bytes");
}

TEST_CASE("request: 100,000 recipients are far from any limit") {
    RequestParser request = parser();
    std::string bytes = "/var/lib/courier/tmp/179534/D1074319\n";
    for (int i = 1; i <= 1000; ++i) bytes += "/var/lib/courier/tmp/179534/C1074319." + std::to_string(i) + "\n";
    CHECK(request.feed(bytes + "\n") == State::complete);
    CHECK(request.request().control_paths.size() == 1000);
}

TEST_CASE("request: more control files than a worker can open are refused") {
    std::string bytes = "/D\n";
    for (std::size_t i = 0; i < kMaxControlFiles; ++i) bytes += "/\n";
    CHECK(problem_of(bytes + "\n") == "");
    CHECK(problem_of(bytes + "/\n\n") == "more than 4096 control files");
}

TEST_CASE("request: what relative paths become counts, so that a task always fits into a frame") {
    std::string bytes = "D\n";
    for (int i = 0; i < 4000; ++i) bytes += "a\n";
    const std::string short_path = "/tmp";
    const std::string long_path = "/" + std::string(200, 's');
    CHECK(RequestParser(short_path).feed(bytes + "\n") == State::complete);
    CHECK(RequestParser(long_path).feed(bytes + "\n") == State::bad);
}
