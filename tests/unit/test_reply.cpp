// Replies: what a filter returned, and what Courier gets for it. The cases follow the table of what Courier makes of a
// reply: whatever a filter writes, the SMTP client must see a well-formed answer that means the same.
#include "message/reply.h"

#include <algorithm>
#include <doctest/doctest.h>

using namespace pythonfilter;
using namespace std::string_view_literals;

namespace {

// The text after the code and separator of a composed reply's only line.
std::string words_of(const std::string& reply) { return reply.substr(4, reply.size() - 5); }

void check_lines(const std::string& reply) {
    std::size_t begin = 0;
    while (begin < reply.size()) {
        const auto end = reply.find('\n', begin);
        REQUIRE(end != std::string::npos);
        CHECK(end + 1 - begin <= 500);
        CHECK(reply.compare(begin, 3, reply, 0, 3) == 0);
        CHECK(reply[begin + 3] == (end + 1 == reply.size() ? ' ' : '-'));
        begin = end + 1;
    }
}

}  // namespace

TEST_CASE("reply class: nothing is no opinion") { CHECK(classify_reply("") == ReplyClass::none); }

TEST_CASE("reply class: 2xx accepts here, 0xx accepts for all filters") {
    for (const auto text : {"200 Ok", "250", "250 ", "250-a\n550 b", "200 Ok\r\n", "200\r\n", "299 x\n"}) {
        CHECK(classify_reply(text) == ReplyClass::accept);
    }
    for (const auto text : {"000 Ok", "050 done\n", "050-one\n050 two\n", "000"}) {
        CHECK(classify_reply(text) == ReplyClass::accept_all);
    }
}

TEST_CASE("reply class: a first byte 4 or 5 refuses, however broken the rest is") {
    for (const auto text : {"451 later", "550 no\n", "550", "5", "4", "5 x", "45 x", "550x..", "550\tno", "5\xff",
                            "4\xed\xa0\x80"}) {
        CAPTURE(text);
        CHECK(classify_reply(text) == ReplyClass::refuse);
    }
    CHECK(classify_reply("5" + std::string(kMaxReplyText, 'x')) == ReplyClass::refuse);
}

TEST_CASE("reply class: what is no SMTP reply is bad") {
    for (const auto text :
         {"hello", "-200 Ok", " 200 Ok", "\n", " ", "\t", "2", "20", "20x", "2000 Ok", "200Ok", "200\tOk", "0", "00 x",
          "100 x", "354 go", "600 x", "999", "True", "\r\n200 Ok", "\xff", "2\xc3\xa9 0"}) {
        CAPTURE(text);
        CHECK(classify_reply(text) == ReplyClass::bad);
    }
    CHECK(classify_reply("\0"sv) == ReplyClass::bad);
}

TEST_CASE("reply class: an accept that is too long, or holds half a surrogate, is bad") {
    CHECK(classify_reply("200 " + std::string(kMaxReplyText - 4, 'x')) == ReplyClass::accept);
    CHECK(classify_reply("200 " + std::string(kMaxReplyText - 3, 'x')) == ReplyClass::bad);
    CHECK(classify_reply("200 \xed\xb3\xbf") == ReplyClass::bad);
    CHECK(classify_reply("000 \xed\xa0\x80") == ReplyClass::bad);
    CHECK(classify_reply("200 \xed\x9f\xbf") == ReplyClass::accept);  // U+D7FF, the last before the surrogates
}

TEST_CASE("accept: one line, code kept, text kept") {
    CHECK(compose_reply("") == "200 Ok\n");
    CHECK(compose_reply("200 Ok") == "200 Ok\n");
    CHECK(compose_reply("200 Ok\n") == "200 Ok\n");
    CHECK(compose_reply("200 Ok\r\n") == "200 Ok\n");
    CHECK(compose_reply("250 \n") == "250 Ok\n");
    CHECK(compose_reply("250") == "250 Ok\n");
    CHECK(compose_reply("250\r\n") == "250 Ok\n");
    CHECK(compose_reply("250 whitelisted by bob") == "250 whitelisted by bob\n");
}

TEST_CASE("accept: more lines than one are not Courier's business") {
    CHECK(compose_reply("250-a\n550 b\n") == "250 a\n");
    CHECK(compose_reply("200-Ok\n") == "200 Ok\n");  // raw, Courier would wait for more
    CHECK(compose_reply("250 a\n550 b\n") == "250 a\n");
}

TEST_CASE("accept for all: 0xx keeps its code and is one line") {
    CHECK(compose_reply("000 Ok\n") == "000 Ok\n");
    CHECK(compose_reply("050 done") == "050 done\n");
    CHECK(compose_reply("050-one\n050 two\n") == "050 one\n");
    CHECK(compose_reply("000") == "000 Ok\n");
    CHECK(compose_reply("000\r\n") == "000 Ok\n");
}

TEST_CASE("accept: a long line is cut") {
    const std::string reply = compose_reply("250 " + std::string(2000, 'x'));
    CHECK(reply.size() == 500);
    CHECK(reply.back() == '\n');
}

TEST_CASE("refusal: a proper one stays as it is, with one final LF") {
    CHECK(compose_reply("451 later") == "451 later\n");
    CHECK(compose_reply("550 no\n") == "550 no\n");
    CHECK(compose_reply("550 5.7.1 no\n") == "550 5.7.1 no\n");
    CHECK(compose_reply("550 a\n\n\n") == "550 a\n");
    CHECK(compose_reply("550-a\n550-b\n550 c\n") == "550-a\n550-b\n550 c\n");
    CHECK(compose_reply("451-a\n451 b") == "451-a\n451 b\n");
}

TEST_CASE("refusal: separators are put right") {
    CHECK(compose_reply("550-a\n550-b\n") == "550-a\n550 b\n");
    CHECK(compose_reply("550 a\n550 b\n") == "550-a\n550 b\n");
    CHECK(compose_reply("550-only") == "550 only\n");
}

TEST_CASE("refusal: the first line's code holds for all lines") {
    CHECK(compose_reply("550-a\n450 b\n") == "550-a\n550 b\n");
    CHECK(compose_reply("550-a\n250 b\n") == "550-a\n550 b\n");
    CHECK(compose_reply("550-a\nplain\n") == "550-a\n550 plain\n");
    CHECK(compose_reply("451 a\n\nb") == "451-a\n451-\n451 b\n");
}

TEST_CASE("refusal: an empty one gets a text") {
    for (const auto text : {"550", "550\n", "550 ", "550 \n", "550-\n", "550\r\n", "5", "5\n"}) {
        CAPTURE(text);
        CHECK(compose_reply(text) == "550 Refused by a mail filter\n");
    }
    CHECK(compose_reply("4\n") == "450 Refused by a mail filter\n");
    CHECK(compose_reply("421") == "421 Refused by a mail filter\n");
}

TEST_CASE("refusal: a broken code becomes a whole one of the same kind, the words stay") {
    CHECK(compose_reply("5 x\n") == "550 x\n");
    CHECK(compose_reply("45 x\n") == "450 x\n");
    CHECK(compose_reply("550x..\n") == "550 x..\n");
    CHECK(compose_reply("550\tno\n") == "550 no\n");
    CHECK(compose_reply("5500 no\n") == "550 no\n");
    CHECK(compose_reply("550.no\n") == "550 .no\n");
    CHECK(compose_reply("5 0 x\n") == "550 0 x\n");
    CHECK(compose_reply("4xx\n") == "450 xx\n");
    CHECK(compose_reply("5 a\nb\n") == "550-a\n550 b\n");
}

TEST_CASE("refusal: an enhanced code without a code in front of it is kept") {
    CHECK(compose_reply("5.7.1 no") == "550 5.7.1 no\n");
    CHECK(compose_reply("4.7.1 later") == "450 4.7.1 later\n");
}

TEST_CASE("refusal: a CR never reaches the client") {
    CHECK(compose_reply("550 no\r\n") == "550 no\n");
    CHECK(compose_reply("550-a\r\n550 b\r\n") == "550-a\n550 b\n");
    CHECK(compose_reply("550 a\rb") == "550 ab\n");
}

TEST_CASE("refusal: control bytes and NUL are replaced, a tab is a blank") {
    CHECK(compose_reply("550 a\0b\n"sv) == "550 a?b\n");
    CHECK(compose_reply("550 a\x1b[2Jb\x7f") == "550 a?[2Jb?\n");
    CHECK(compose_reply("550 a\tb") == "550 a b\n");
}

TEST_CASE("refusal: one question mark for each character that is not ASCII") {
    CHECK(compose_reply("550 caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x93\xa7!") == "550 caf? ? ?!\n");
    CHECK(compose_reply("550 a\xff\xfe z") == "550 a?? z\n");
    CHECK(compose_reply("550 half \xed\xb3\xbf") == "550 half ?\n");
}

TEST_CASE("refusal: a long line is folded at a blank") {
    std::string words;
    for (int i = 0; i < 300; ++i) words += (i ? " word" : "word") + std::to_string(i);
    const std::string reply = compose_reply("550 " + words);
    check_lines(reply);
    std::string unfolded;
    for (std::size_t begin = 0; begin < reply.size(); begin = reply.find('\n', begin) + 1) {
        if (begin) unfolded += ' ';
        unfolded += reply.substr(begin + 4, reply.find('\n', begin) - begin - 4);
    }
    CHECK(unfolded == words);
}

TEST_CASE("refusal: a long line without blanks is cut into lines of 500 bytes") {
    const std::string reply = compose_reply("550 " + std::string(600, 'x'));
    check_lines(reply);
    CHECK(reply == "550-" + std::string(495, 'x') + "\n550 " + std::string(105, 'x') + "\n");
    CHECK(compose_reply("550 " + std::string(495, 'x')) == "550 " + std::string(495, 'x') + "\n");
}

TEST_CASE("refusal: no more than 20 lines, whatever came") {
    std::string text;
    for (int i = 0; i < 100; ++i) text += "550-line " + std::to_string(i) + "\n";
    const std::string reply = compose_reply(text);
    check_lines(reply);
    CHECK(std::count(reply.begin(), reply.end(), '\n') == 20);
    CHECK(reply.ends_with("\n550 line 19\n"));
    const std::string endless = compose_reply("4" + std::string(1024 * 1024, 'y'));
    check_lines(endless);
    CHECK(endless.starts_with("450-yyy"));
}

TEST_CASE("reply: a bad one that slipped through is never an accept") {
    CHECK(verdict_of(compose_reply("hello")) == Verdict::defer);
    CHECK(verdict_of(compose_reply("2")) == Verdict::defer);
}

TEST_CASE("verdict: by the first byte of the composed reply; what is unknown defers") {
    CHECK(verdict_of("200 Ok\n") == Verdict::accept);
    CHECK(verdict_of("000 Ok\n") == Verdict::accept);
    CHECK(verdict_of("451 x\n") == Verdict::defer);
    CHECK(verdict_of("550 x\n") == Verdict::reject);
    CHECK(verdict_of("") == Verdict::defer);
    CHECK(verdict_of("hello") == Verdict::defer);
    CHECK(to_string(Verdict::accept) == "accept");
    CHECK(to_string(Verdict::defer) == "defer");
    CHECK(to_string(Verdict::reject) == "reject");
}

TEST_CASE("our own answers: well-formed, temporary but for filter_reject(), with an enhanced code") {
    for (const std::string& reply :
         {replies::starting(), replies::misconfigured(), replies::bad_request(), replies::queue_full(),
          replies::out_of_time(), replies::stopping(), replies::draining(), replies::files_gone(),
          replies::filter_defer()}) {
        CAPTURE(reply);
        CHECK(reply.starts_with("451 4.3."));
        CHECK(verdict_of(reply) == Verdict::defer);
        CHECK(compose_reply(reply) == reply);
    }
    CHECK(compose_reply(replies::filter_reject()) == replies::filter_reject());
    CHECK(replies::filter_reject().starts_with("554 5.3.0 "));
    CHECK(words_of(replies::filter_reject()).size() > 20);
}
