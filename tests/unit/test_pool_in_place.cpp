// Pools written in place, exclusive pools and the environment of a pool: what a file sets, and the error for each way
// to get it wrong.
#include "config/pool_settings.h"
#include "yaml_text.h"

#include <doctest/doctest.h>
#include <string>
#include <vector>

using namespace pythonfilter;

namespace {

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("pool in place: it is the filter's own, called like it, with all keys of a pool") {
    const Config config = loaded("failure: {on_error: skip}\n"
                                 "filters:\n"
                                 "- other\n"
                                 "- filter: site.limit\n"
                                 "  pool: {workers: 1, timeout: 5s, nice: 3, sandbox: strict, recycle: {messages: 7},\n"
                                 "         failure: {on_crash: skip}, env: {A: b}}\n"
                                 "  settings: {most: 1}\n");
    REQUIRE(config.pools.size() == 2);
    CHECK(config.filters[0].pool.name == "default");
    CHECK(config.filters[1].pool.name == "site.limit");
    CHECK(config.filters[1].effective_timeout == 5s);
    CHECK(config.filters[1].policy.on_crash == FailureAction::skip);
    CHECK(config.filters[1].policy.on_error == FailureAction::skip);
    const PoolConfig& pool = config.pools.at("site.limit");
    CHECK(pool.workers.max == 1);
    CHECK(pool.nice == 3);
    CHECK(pool.sandbox.preset == SandboxPreset::strict);
    CHECK(pool.recycle.messages == 7);
    CHECK(pool.env.at("A") == "b");
    CHECK(pool_settings(config, "site.limit").contains("limit.py"));
    CHECK(pool_settings(config, "default").empty());
    CHECK(config.warnings == Lines{});
}

TEST_CASE("pool in place: names that are taken get a number") {
    const Config config = loaded("pools: {limit: {}, limit-3: {}}\n"
                                 "filters:\n"
                                 "- {filter: first, pool: limit}\n"
                                 "- {filter: second, pool: limit-3}\n"
                                 "- {filter: limit, pool: {}}\n"
                                 "- {filter: limit, pool: {workers: 2}}\n"
                                 "- {filter: default, pool: {}}\n");
    CHECK(config.filters[2].pool.name == "limit-2");
    CHECK(config.filters[3].pool.name == "limit-4");
    CHECK(config.filters[4].pool.name == "default-2");
    CHECK(config.pools.size() == 6);
    CHECK(config.pools.at("limit-4").workers.max == 2);
}

TEST_CASE("pool in place: nobody else can name it") {
    CHECK(error_of("filters: [{filter: a, pool: {}}, {filter: b, pool: a}]") ==
          "f.yaml:1:52: the pool `a` is not defined under `pools`");
    CHECK(error_of("filters: [{filter: b, pool: a}, {filter: a, pool: {}}]") ==
          "f.yaml:1:29: the pool `a` is not defined under `pools`");
}

TEST_CASE("pool in place: errors and warnings have their place") {
    CHECK(error_of("filters:\n- filter: a\n  pool: {workers: 0}") ==
          "f.yaml:3:19: filters[1].pool.workers: expected a whole number from 1 to 1000, found `0`");
    CHECK(error_of("filters:\n- filter: a\n  pool: {wokers: 1}") ==
          "f.yaml:3:10: unknown key `wokers` in filters[1].pool; did you mean `workers`?");
    CHECK(error_of("filters:\n- filter: a\n  pool: [x]") ==
          "f.yaml:3:9: filters[1].pool: expected the name of a pool (letters, digits, _ and -; at most 32), or a "
          "mapping with the keys of a pool, found a list");
    CHECK(error_of("filters:\n- filter: a\n  pool:") ==
          "f.yaml:3:3: filters[1].pool: expected the name of a pool (letters, digits, _ and -; at most 32), or a "
          "mapping with the keys of a pool, found nothing");
    CHECK(error_of("filters:\n- filter: a\n  pool: {sandbox: {preset: off, exec: deny}}") ==
          "f.yaml:3:39: `exec` means nothing with the preset `off`");
    CHECK(loaded("server: {message_timeout: 30s}\nfilters:\n- filter: a\n  pool: {timeout: 1min}").warnings ==
          Lines{"f.yaml:4:19: a timeout of 1min is never reached: a message has 30s in all"});
    CHECK(error_of("filters:\n- pool: {}") == "f.yaml:2:3: filters[1]: expected the key `filter`");
}

TEST_CASE("env: texts as they are written, numbers too") {
    const Config config = loaded("pools:\n"
                                 "  default:\n"
                                 "    env: {http_proxy: 'http://p:3128', PYTHONHASHSEED: 0, EMPTY: '', _X: 1.50,\n"
                                 "          HEX: 0x1F, TRUTH: 'true', WORDS: two words, ADDRESS: 192.0.2.1:25}\n"
                                 "filters: [a]\n");
    CHECK(config.pools.at("default").env == std::map<std::string, std::string>{{"http_proxy", "http://p:3128"},
                                                                               {"PYTHONHASHSEED", "0"},
                                                                               {"EMPTY", ""},
                                                                               {"_X", "1.50"},
                                                                               {"HEX", "0x1F"},
                                                                               {"TRUTH", "true"},
                                                                               {"WORDS", "two words"},
                                                                               {"ADDRESS", "192.0.2.1:25"}});
}

TEST_CASE("env: what is no text to every reader of YAML needs quotes") {
    const auto error = [](const std::string& value) {
        return error_of("filters: [{filter: a, pool: {env: {X: " + value + "}}}]");
    };
    const std::string start = "f.yaml:1:39: filters[1].pool.env.X: expected ";
    CHECK(error("true") == start + "a text or, for this word, the same in quotes, found `true`");
    CHECK(error("null") == error(""));
    CHECK(error("no") == start + "true or false or, for a text, the same in quotes, found `no`");
    CHECK(error("010") == start + "a number without leading zero or, for a text, the same in quotes, found `010`");
    CHECK(error("[a]") == start + "a text; an empty one is \"\", found a list");
    CHECK(error("\"a\\0b\"") == start + "at most 4096 bytes without a NUL, found `a\\x00b` in quotes");
    CHECK(error(std::string(4097, 'a')).starts_with(start + "at most 4096 bytes without a NUL, found `aaaa"));
    CHECK(error("~") == error(""));
    CHECK(error("") == "f.yaml:1:36: filters[1].pool.env.X: expected a text; an empty one is \"\", found nothing");
}

TEST_CASE("env: names are checked, and what the server sets is refused") {
    const auto error = [](const std::string& entries) {
        return error_of("pools: {default: {env: {" + entries + "}}}\nfilters: [a]");
    };
    const std::string name = "pools.default.env: expected the name of a variable (letters, digits and _; no digit "
                             "first), found ";
    CHECK(error("A-B: x") == "f.yaml:1:25: " + name + "`A-B`");
    CHECK(error("1A: x") == "f.yaml:1:25: " + name + "`1A`");
    CHECK(error("'A=B': x") == "f.yaml:1:25: " + name + "`A=B` in quotes");
    CHECK(error("A: x, A: y") == "f.yaml:1:31: the key `A` is in line 1 already");
    CHECK(error("A: x, TMPDIR: /tmp") ==
          "f.yaml:1:31: the variable `TMPDIR` is set by the server: each worker has a directory of its own");
    CHECK(error("LC_ALL: C, USER: root") ==
          "f.yaml:1:25: the variable `LC_ALL` is set by the server: filters run in a UTF-8 locale\n"
          "f.yaml:1:36: the variable `USER` is set by the server: it is the user that the server runs as");
    CHECK(error("PATH: /bin, HOME: /nonexistent") == "no error");
}

TEST_CASE("exclusive: a pool has one worker, said or not") {
    const Config config = loaded("pools: {x: {exclusive: true}, y: {workers: 1, exclusive: true}}\n"
                                 "filters: [{filter: a, pool: x}, {filter: b, pool: y}, {filter: c, pool: {exclusive: "
                                 "true}}]\n");
    for (const char* name : {"x", "y", "c"}) {
        CHECK(config.pools.at(name).exclusive);
        CHECK(config.pools.at(name).workers.max == 1);
    }
    const Config other = loaded("pools: {x: {exclusive: false, workers: 3}}\nfilters: [{filter: a, pool: x}]");
    CHECK(other.pools.at("x").workers.max == 3);
}

TEST_CASE("exclusive: more workers are an error") {
    CHECK(error_of("filters: [{filter: a, pool: {exclusive: true, workers: 2}}]") ==
          "f.yaml:1:56: an exclusive pool has 1 worker, found 2");
    CHECK(error_of("pools: {x: {workers: 4, exclusive: true}}\nfilters: [{filter: a, pool: x}]") ==
          "f.yaml:1:22: an exclusive pool has 1 worker, found 4");
    CHECK(error_of("filters: [{filter: a, pool: {exclusive: yes}}]") ==
          "f.yaml:1:41: filters[1].pool.exclusive: expected true or false, found `yes`");
}
