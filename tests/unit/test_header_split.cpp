// split_header(): the Message-ID and the begin of the body, of messages as they are and as nobody should send them.
#include "message/header_split.h"

#include <doctest/doctest.h>
#include <string>

using namespace pythonfilter;

namespace {

std::string body_of(std::string_view text) {
    const auto split = split_header(text, true);
    REQUIRE(split);
    return std::string(text.substr(split->body));
}

std::string id_of(std::string_view text) {
    const auto split = split_header(text, true);
    REQUIRE(split);
    return std::string(split->message_id);
}

}  // namespace

TEST_CASE("header: the body begins behind the first empty line") {
    CHECK(body_of("Subject: x\nTo: y\n\nHello\n\nagain\n") == "Hello\n\nagain\n");
    CHECK(body_of("Subject: x\r\n\r\nHello\r\n") == "Hello\r\n");
    CHECK(body_of("\nonly a body") == "only a body");
}

TEST_CASE("header: without an empty line there is no body") {
    CHECK(body_of("Subject: x\n") == "");
    CHECK(body_of("Subject: x") == "");
    CHECK(body_of("") == "");
}

TEST_CASE("header: the Message-ID is found in any case and stripped of blanks") {
    CHECK(id_of("Received: a\nMessage-ID: <1@x>\nTo: y\n\n") == "<1@x>");
    CHECK(id_of("message-id:<1@x>\r\n\r\n") == "<1@x>");
    CHECK(id_of("MESSAGE-ID: \t <1@x> \t\n") == "<1@x>");
    CHECK(id_of("Message-Id: <1@x>") == "<1@x>");
}

TEST_CASE("header: a folded Message-ID is one value, and another field's lines are none of it") {
    CHECK(id_of("Message-ID:\n <1@x>\nTo: y\n\n") == "<1@x>");
    CHECK(id_of("Message-ID: <1\n\t@x>\n\n") == "<1\n\t@x>");
    CHECK(id_of("Message-ID: <1@x>\nSubject: a\n <2@x>\n\n") == "<1@x>");
}

TEST_CASE("header: the first Message-ID counts; one in a folded line or in the body is none") {
    CHECK(id_of("Message-ID: <1@x>\nMessage-ID: <2@x>\n\n") == "<1@x>");
    CHECK(id_of("Subject: a\n Message-ID: <2@x>\n\n") == "");
    CHECK(id_of("Subject: a\n\nMessage-ID: <2@x>\n\n") == "");
    CHECK(id_of("X-Message-ID: <2@x>\nMessage-ID\n\n") == "");
}

TEST_CASE("header: a header that does not end in the bytes at hand is none") {
    CHECK_FALSE(split_header("Subject: x\n", false));
    CHECK_FALSE(split_header("Subject: x", false));
    CHECK_FALSE(split_header("", false));
    CHECK_FALSE(split_header("Subject: x\n\r", false));
    CHECK(split_header("Subject: x\n\nHel", false)->body == 12);
}
