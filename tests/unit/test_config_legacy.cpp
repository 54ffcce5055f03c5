// load_legacy(): pythonfilter.conf line by line, as the Python daemon took it, and what is an error here.
#include "config/legacy_loader.h"

#include <doctest/doctest.h>
#include <string>
#include <vector>

using namespace pythonfilter;

namespace {

using Names = std::vector<std::string>;

Config loaded(std::string_view text) {
    Result<Config> config = load_legacy(text, "p.conf");
    INFO((config ? std::string() : config.error().text));
    REQUIRE(config);
    return *config;
}

// "a b for c,d e": the chain in one line.
std::string chain(const Config& config) {
    std::string text;
    for (const FilterConfig& filter : config.filters) {
        text += (text.empty() ? "" : " ") + filter.filter;
        if (!filter.bypass) continue;
        text += " for ";
        for (std::size_t i = 0; i < filter.bypass->size(); ++i) text += (i == 0 ? "" : ",") + (*filter.bypass)[i];
    }
    return text;
}

struct Row {
    std::string_view text;
    std::string_view chain;
    std::size_t warnings = 0;
};

}  // namespace

TEST_CASE("legacy: each form of a line") {
    const Row rows[] = {
        {"one\ntwo\n", "one two"},
        {"one\ntwo", "one two"},
        {"one\r\ntwo\r\n", "one two"},
        {"# comment\none\n#two\n", "one"},
        {"\none\n\n\ntwo\n", "one two"},
        {"  one\n\ttwo  \n", "one two"},
        {"sub.one\n", "sub.one"},
        {"one for two three\ntwo\nthree\n", "one for two,three two three"},
        {"one  for\ttwo\ntwo\n", "one for two two"},
        {"one for\n", "one for "},
        {"one for two # a comment\ntwo\n", "one for two two"},
        {"one # comment for two\n", "one"},
        {"one FOR two\ntwo\n", "one two", 1},
        {"one two for three\n", "one", 1},
        // these stopped the Python daemon
        {"   \t \none\n", "one"},
        {"  # comment\none\n", "one"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.text);
        const Config config = loaded(row.text);
        CHECK(chain(config) == row.chain);
        CHECK(config.warnings.size() == row.warnings);
    }
}

TEST_CASE("legacy: an empty file accepts everything, and says so") {
    for (const std::string_view text : {"", "\n", "# nothing\n", " "}) {
        CHECK(loaded(text).filters.empty());
        CHECK(loaded(text).warnings == Names{"p.conf: no filter is configured: every message is accepted"});
    }
}

TEST_CASE("legacy: the same filter may stand in the chain twice") {
    CHECK(chain(loaded("one\ntwo\none\n")) == "one two one");
}

TEST_CASE("legacy: exceptions and results that are not strings are skipped, all else is deferred") {
    const Config config = loaded("one\n");
    CHECK(config.legacy);
    CHECK(config.file == "p.conf");
    const FailurePolicy& policy = config.filters.at(0).policy;
    CHECK(policy.action(FailureEvent::exception) == FailureAction::skip);
    CHECK(policy.action(FailureEvent::not_a_string) == FailureAction::skip);
    for (const FailureEvent event : {FailureEvent::exit, FailureEvent::bad_reply, FailureEvent::timeout,
                                     FailureEvent::crash, FailureEvent::unavailable})
        CHECK(policy.action(event) == FailureAction::defer);
}

TEST_CASE("legacy: everything but the chain has its default") {
    Config start;
    start.instance = "antispam";
    start.courier.localstatedir = "/from/courier-config";
    const auto config = load_legacy("\none for two\ntwo\n", "p.conf", start);
    REQUIRE(config);
    CHECK(config.value().instance == "antispam");
    CHECK(config.value().courier.localstatedir == "/from/courier-config");
    CHECK(config.value().pools.size() == 1);
    CHECK(config.value().filters[0].pool.name == "default");
    CHECK(config.value().filters[0].effective_timeout == 60s);
    CHECK(config.value().filters[0].origin == "p.conf:2");
}

TEST_CASE("legacy: lines that are probably not meant so are warned about with their place") {
    CHECK(loaded("one\n two three\n").warnings ==
          Names{"p.conf:2:6: expected `for` or the end of the line; `three` and what follows is ignored"});
    CHECK(loaded("greylist\nratelimit for greylits\nspf for greylist\n").warnings ==
          Names{"p.conf:2:15: the filter `greylits` is not in the chain; did you mean `greylist`?",
                "p.conf:3:9: the filter `greylist` does not come after `spf`, which cannot bypass it"});
}

TEST_CASE("legacy: a name that cannot be a module is an error with its place, several come together") {
    const auto config = load_legacy("one\n ../two for thr/ee\nfour;five\n", "p.conf");
    REQUIRE_FALSE(config);
    const std::string expected = "expected the name of a filter (letters, digits, _, - and inner dots), found ";
    CHECK(config.error().text == "p.conf:2:2: " + expected + "`../two`\n" +
                                     "p.conf:2:13: " + expected + "`thr/ee`\n" +
                                     "p.conf:3:1: " + expected + "`four;five`");
}

TEST_CASE("legacy: bytes that are no text are harmless in comments and shown escaped in errors") {
    CHECK(chain(loaded("# caf\xe9\none\n")) == "one");
    const auto config = load_legacy("one\nt\xff\x1bo\n", "p\n.conf");
    REQUIRE_FALSE(config);
    CHECK(config.error().text == "p\\x0a.conf:2:1: expected the name of a filter (letters, digits, _, - and inner "
                                 "dots), found `t\\xff\\x1bo`");
}

TEST_CASE("legacy: chain and `for` have a greatest length") {
    std::string lines, words = "one for";
    for (int i = 0; i < 501; ++i) {
        lines += "f\n";
        words += " f";
    }
    CHECK(load_legacy(lines, "p.conf").error().text == "p.conf:501:1: expected at most 500 filters");
    CHECK(load_legacy(words, "p.conf").error().text == "p.conf:1:5: expected at most 500 names after `for`");
}
