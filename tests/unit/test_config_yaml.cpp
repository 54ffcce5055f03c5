// load_yaml(): what a file sets, and for each way to get it wrong the whole error: place, expectation, nearest key.
#include "yaml_text.h"

#include <algorithm>
#include <doctest/doctest.h>
#include <initializer_list>
#include <string>
#include <vector>

using namespace pythonfilter;

namespace {

struct Wrong {
    std::string_view text;
    std::string_view error;
};

void check_errors(std::initializer_list<Wrong> rows) {
    for (const Wrong& row : rows) {
        CAPTURE(row.text);
        CHECK(error_of(row.text) == row.error);
    }
}

constexpr std::string_view kEveryKey = R"(
courier: {sysconfdir: /c, localstatedir: /s, mailuser: mu, mailgroup: mg}
server:
  socket: selective
  message_timeout: 3min
  request_timeout: 500ms
  queue: {limit: 7}
  on_stop: pass
  supervisor: none
  accounting: false
  canary: {message: /canary, expect: reject}
log: {format: json, limit: {lines: 3, interval: 2min}}
filter_path: [/one, /two]
failure: {on_error: skip}
pools:
  default: {workers: 2}
  scanners:
    workers: {min: 3, max: 9, idle: 2min}
    start_timeout: 1min
    timeout: 20s
    preload: no
    failure: {on_timeout: reject}
filters:
  - first
  - filter: sub.second
    for: [third]
    pool: scanners
    timeout: 5s
    failure: {on_crash: skip, on_bad_reply: reject, on_unavailable: skip}
  - "third"
)";

}  // namespace

TEST_CASE("yaml: every key of the server arrives in its member") {
    const Config config = loaded(kEveryKey);
    CHECK(config.file == "f.yaml");
    CHECK_FALSE(config.legacy);
    CHECK(config.courier.sysconfdir == "/c");
    CHECK(config.courier.localstatedir == "/s");
    CHECK(config.courier.mailuser == "mu");
    CHECK(config.courier.mailgroup == "mg");
    CHECK(config.server.socket == SocketDirectory::selective);
    CHECK(config.server.message_timeout == 3min);
    CHECK(config.server.request_timeout == 500ms);
    CHECK(config.server.queue.limit == 7);
    CHECK(config.server.on_stop == OnStop::pass);
    CHECK(config.server.supervisor == Supervisor::none);
    CHECK_FALSE(config.server.accounting);
    CHECK(config.server.canary.message == "/canary");
    CHECK(config.server.canary.expect == CanaryVerdict::reject);
    CHECK(config.log.format == LogFormat::json);
    CHECK(config.log.limit.lines == 3);
    CHECK(config.log.limit.interval == 2min);
    CHECK(config.filter_path == std::vector<std::string>{"/one", "/two"});
    CHECK(config.failure.on_error == FailureAction::skip);
    CHECK(config.warnings == std::vector<std::string>{});
    CHECK(config.socket_directory() == "/s/filters");
    CHECK(config.other_socket_directory() == "/s/allfilters");
}

TEST_CASE("yaml: every key of pools and filters arrives in its member") {
    const Config config = loaded(kEveryKey);
    REQUIRE(config.pools.size() == 2);
    CHECK(config.pools.at("default").workers.min == 2);
    CHECK(config.pools.at("default").workers.max == 2);
    const PoolConfig& pool = config.pools.at("scanners");
    CHECK(pool.workers.min == 3);
    CHECK(pool.workers.max == 9);
    CHECK(pool.workers.idle == 2min);
    CHECK(pool.start_timeout == 1min);
    CHECK(pool.timeout == 20s);
    CHECK(pool.preload == Preload::no);
    CHECK(pool.failure.on_timeout == FailureAction::reject);
    REQUIRE(config.filters.size() == 3);
    CHECK(config.filters[0].filter == "first");
    CHECK(config.filters[0].origin == "f.yaml:24");
    CHECK_FALSE(config.filters[0].bypass);
    const FilterConfig& filter = config.filters[1];
    CHECK(filter.filter == "sub.second");
    CHECK(filter.bypass == std::vector<std::string>{"third"});
    CHECK(filter.pool.name == "scanners");
    CHECK(filter.timeout == 5s);
    CHECK(filter.effective_timeout == 5s);
    CHECK(filter.policy.on_bad_reply == FailureAction::reject);
    CHECK(filter.origin == "f.yaml:25");
    CHECK(config.filters[2].filter == "third");
}

TEST_CASE("yaml: what is not written has its default") {
    const Config config = loaded("filters: [one]");
    CHECK(config.courier.localstatedir == "/var/lib/courier");
    CHECK(config.server.socket == SocketDirectory::all);
    CHECK(config.server.message_timeout == 4min);
    CHECK(config.server.request_timeout == 10s);
    CHECK(config.server.queue.limit == 1000);
    CHECK(config.server.on_stop == OnStop::defer);
    CHECK(config.server.supervisor == Supervisor::automatic);
    CHECK(config.server.accounting);
    REQUIRE(config.pools.size() == 1);
    CHECK_FALSE(config.pools.at("default").workers.min);
    CHECK_FALSE(config.pools.at("default").workers.max);
    CHECK(config.pools.at("default").workers.idle == 1min);
    CHECK(config.pools.at("default").preload == Preload::automatic);
    CHECK(config.filters[0].pool.name == "default");
    CHECK(config.filters[0].effective_timeout == 60s);
    CHECK(config.socket_directory() == "/var/lib/courier/allfilters");
    CHECK(config.other_socket_directory() == "/var/lib/courier/filters");
}

TEST_CASE("yaml: what is there before stays unless the file sets it") {
    Config start;
    start.instance = "antispam";
    start.courier.localstatedir = "/from/courier-config";
    start.courier.mailuser = "mail";
    start.warnings = {"earlier"};
    const auto config = load_yaml("courier: {mailuser: other}\nfilters: [a]", "f.yaml", start);
    REQUIRE(config);
    CHECK(config.value().instance == "antispam");
    CHECK(config.value().courier.localstatedir == "/from/courier-config");
    CHECK(config.value().courier.mailuser == "other");
    CHECK(config.value().warnings == std::vector<std::string>{"earlier"});
}

TEST_CASE("yaml: a section with nothing in it is as if it were absent") {
    for (const std::string_view text : {"", "\n# only a comment\n", "---\n", "{}",
                                        "server:\npools:\n  default:\nfilters:\n"}) {
        CAPTURE(text);
        const Config config = loaded(text);
        CHECK(config.filters.empty());
        CHECK(config.pools.size() == 1);
        CHECK(config.warnings ==
              std::vector<std::string>{"f.yaml: no filter is configured: every message is accepted"});
    }
}

TEST_CASE("yaml: a byte order mark and CRLF change nothing") {
    CHECK(loaded("\xEF\xBB\xBF" "filters:\r\n  - one\r\n  - two\r\n").filters[1].filter == "two");
    CHECK(error_of("\xEF\xBB\xBF" "filter: [one]\r\n") ==
          "f.yaml:1:1: unknown key `filter` at the top level; did you mean `filters`?");
    CHECK(error_of("\xEF\xBB\xBF" "filters: [! \"a\"]") == "f.yaml:1:11: tags (!name) are not supported");
    CHECK(error_of("\xEF\xBB\xBF" "filters: [\xff]") == "f.yaml:1:11: expected text in UTF-8, found the byte \\xff");
}

TEST_CASE("yaml: unknown keys are named with the nearest known one, its home, or all there are") {
    check_errors({
        {"serve: {}", "f.yaml:1:1: unknown key `serve` at the top level; did you mean `server`?"},
        {"server:\n  on_sotp: defer", "f.yaml:2:3: unknown key `on_sotp` in server; did you mean `on_stop`?"},
        {"server: {queue: {Limit: 5}}",
         "f.yaml:1:18: unknown key `Limit` in server.queue; did you mean `limit`?"},
        {"message_timeout: 1min",
         "f.yaml:1:1: unknown key `message_timeout` at the top level; did you mean `server.message_timeout`?"},
        {"filters:\n  - filter: a\n    workers: 3",
         "f.yaml:3:5: unknown key `workers` in filters[1]; did you mean `pools.NAME.workers`?"},
        {"pools: {x: {colour: 3}}\nfilters: [{filter: a, pool: x}]",
         "f.yaml:1:13: unknown key `colour` in pools.x; known keys: workers, exclusive, recycle, limits, nice, "
         "start_timeout, timeout, slow_after, preload, breaker, sandbox, env, failure"},
        {"a`b\\: 1",
         "f.yaml:1:1: unknown key `a\\x60b\\\\` at the top level; known keys: courier, server, log, "
         "filter_path, failure, "
         "modules, pools, filters"},
    });
}

TEST_CASE("yaml: keys of features that do not exist yet are unknown") {
    for (const std::string key : {"metrics", "sandbox"})
        CHECK(error_of(key + ": 1").find("unknown key") < 20);
    for (const std::string key : {"grace"})
        CHECK(error_of("pools: {default: {" + key + ": 1}}").find("unknown key `" + key + "` in pools.default") < 20);
    CHECK(error_of("filters: [{filter: a, mode: 1}]").find("unknown key `mode` in filters[1]") < 20);
    CHECK(error_of("server: {supervisor: upstart}") ==
          "f.yaml:1:22: server.supervisor: expected auto, courierfilter, systemd or none, found `upstart`");
}

TEST_CASE("yaml: a key that is written twice is an error at its second place") {
    check_errors({
        {"filters: [a]\nfilters: [b]", "f.yaml:2:1: the key `filters` is in line 1 already"},
        {"server:\n  socket: all\n  \"socket\": all", "f.yaml:3:3: the key `socket` is in line 2 already"},
        {"pools: {x: {}, x: {}}\nfilters: [{filter: a, pool: x}]", "f.yaml:1:16: the key `x` is in line 1 already"},
        {"filters:\n- filter: a\n  filter: b", "f.yaml:3:3: the key `filter` is in line 2 already"},
    });
}

TEST_CASE("yaml: YAML that a configuration does not need is refused") {
    check_errors({
        {"server: !!map {}", "f.yaml:1:9: tags (!name) are not supported"},
        {"filters: [!custom a]", "f.yaml:1:11: tags (!name) are not supported"},
        {"filters: [! a]", "f.yaml:1:11: tags (!name) are not supported"},
        {"filters: [! \"a\"]", "f.yaml:1:11: tags (!name) are not supported"},
        {"!!str filters: [a]", "f.yaml:1:1: tags (!name) are not supported"},
        {"filters: &x [a]", "f.yaml:1:10: anchors (&name) are not supported"},
        {"failure: {on_error: &x skip}\nfilters: [*x]",
         "f.yaml:1:21: anchors (&name) are not supported\n"
         "f.yaml:2:11: aliases (*name) are not supported: write the value again"},
        {"server: {<<: {}}", "f.yaml:1:10: merge keys (<<) are not supported"},
        {"? [a]\n: b", "f.yaml:1:3: expected a key, a word before a colon"},
        {"? \n: b", "f.yaml:2:1: expected a key, a word before a colon"},
        {"filters: [a]\n---\nfilters: [b]", "f.yaml:2:1: expected one document, found a second one"},
        {"filters: [a]\n...\nfilters: [b]", "f.yaml:3:1: expected one document, found a second one"},
    });
}

TEST_CASE("yaml: a quoted text is a text, whatever it begins with") {
    CHECK(error_of("filters: ['!a']") ==
          "f.yaml:1:11: filters[1]: expected the name of a filter (letters, digits, _, - and inner dots), found `!a` "
          "in quotes");
    const Config config = loaded("'filters': ['a']\nserver: {on_stop: \"pass\", message_timeout: '2min'}");
    CHECK(config.server.on_stop == OnStop::pass);
    CHECK(config.server.message_timeout == 2min);
}

TEST_CASE("yaml: numbers are plain decimal digits within their bounds") {
    const std::string expected = "f.yaml:1:25: server.queue.limit: expected a whole number from 1 to 100000, found ";
    for (const std::string number : {"0", "100001", "010", "0x10", "1_000", "1e3", "5.0", "-5", "+5", "five", "true",
                                     "99999999999999999999"})
        CHECK(error_of("server: {queue: {limit: " + number + "}}") == expected + "`" + number + "`");
    CHECK(error_of("server: {queue: {limit: \"5\"}}") == expected + "`5` in quotes");
    CHECK(error_of("server: {queue: {limit: '5'}}") == expected + "`5` in quotes");
    CHECK(error_of("server: {queue: {limit: [5]}}") == expected + "a list");
    CHECK(error_of("server: {queue: {limit: ~}}") ==
          "f.yaml:1:18: server.queue.limit: expected a whole number from 1 to 100000, found nothing");
    CHECK(loaded("server: {queue: {limit: 1}}").server.queue.limit == 1);
    CHECK(loaded("server: {queue: {limit: 100000}}").server.queue.limit == 100000);
}

TEST_CASE("yaml: durations have a unit and are within their bounds") {
    const std::string expected =
        "f.yaml:1:27: server.message_timeout: expected a duration from 1s to 9min, with a unit (ms, s, min, h, d), "
        "found ";
    for (const std::string d : {"5", "4m", "4 min", "min", "-4min", "1.5min", "4MIN", "999ms", "541s", "1h", "04min"})
        CHECK(error_of("server: {message_timeout: " + d + "}") == expected + "`" + d + "`");
    CHECK(loaded("server: {message_timeout: 1000ms}").server.message_timeout == 1s);
    CHECK(loaded("server: {message_timeout: 540s}").server.message_timeout == 9min);
    CHECK(error_of("pools: {default: {timeout: }}") ==
          "f.yaml:1:19: pools.default.timeout: expected a duration from 100ms to 9min, with a unit (ms, s, min, h, d), "
          "found nothing");
}

TEST_CASE("yaml: words, flags and texts are checked") {
    check_errors({
        {"server: {socket: al}",
         "f.yaml:1:18: server.socket: expected all or selective, found `al`; did you mean `all`?"},
        {"failure: {on_error: accept}",
         "f.yaml:1:21: failure.on_error: expected skip, defer or reject, found `accept`"},
        {"server: {accounting: yes}", "f.yaml:1:22: server.accounting: expected true or false, found `yes`"},
        {"server: {accounting: 'true'}",
         "f.yaml:1:22: server.accounting: expected true or false, found `true` in quotes"},
        {"courier: {sysconfdir: etc/courier}",
         "f.yaml:1:23: courier.sysconfdir: expected a path that begins with /, found `etc/courier`"},
        {"courier: {mailuser: -x}", "f.yaml:1:21: courier.mailuser: expected a user or group name, found `-x`"},
        {"filter_path: /one",
         "f.yaml:1:14: filter_path: expected a list, each a path that begins with /, found `/one`; write `[/one]`"},
        {"filter_path: [/one, two]",
         "f.yaml:1:21: filter_path: expected a path that begins with /, found `two`"},
        {"server: all",
         "f.yaml:1:9: server: expected a mapping with the keys socket, message_timeout, request_timeout, queue, "
         "poison, control, status_page, canary, on_stop, supervisor, accounting, found `all`"},
        {"pools: [a]", "f.yaml:1:8: pools: expected a mapping of pools by name, found a list"},
        {"pools: {a b: {}}",
         "f.yaml:1:9: pools: expected the name of a pool (letters, digits, _ and -; at most 32), found `a b`"},
        {"filters: {a: b}", "f.yaml:1:10: filters: expected a list of filters, found a mapping"},
        {"- a", "f.yaml:1:1: expected keys such as `filters:`, found a list"},
        {"hello", "f.yaml:1:1: expected keys such as `filters:`, found `hello`"},
    });
}

TEST_CASE("yaml: a filter is a module name, or a mapping that has one") {
    const std::string name = "expected the name of a filter (letters, digits, _, - and inner dots), found ";
    for (const std::string_view bad : {"a/b", ".a", "a.", "a..b", "a b"})
        CHECK(error_of("filters: [" + std::string(bad) + "]") ==
              "f.yaml:1:11: filters[1]: " + name + "`" + std::string(bad) + "`");
    CHECK(error_of("filters:\n- a\n- for: [a]") == "f.yaml:3:3: filters[2]: expected the key `filter`");
    CHECK(error_of("filters:\n- a\n-") == "f.yaml:3:1: filters[2]: " + name + "nothing");
    CHECK(error_of("filters:\n- [a]") == "f.yaml:2:3: filters[1]: " + name + "a list");
    CHECK(error_of("filters:\n- filter: [a]") == "f.yaml:2:11: filters[1].filter: " + name + "a list");
}

TEST_CASE("yaml: several errors come together, in the order of the file") {
    CHECK(error_of("filters: [{filter: a, pool: nowhere}]\n"
                   "sever: {}\n"
                   "pools: {default: {workers: 0}}\n") ==
          "f.yaml:1:29: the pool `nowhere` is not defined under `pools`\n"
          "f.yaml:2:1: unknown key `sever` at the top level; did you mean `server`?\n"
          "f.yaml:3:28: pools.default.workers: expected a whole number from 1 to 1000, found `0`");
}

TEST_CASE("yaml: the errors of a file that is wrong all over are counted, not printed without end") {
    std::string text;
    for (int i = 0; i < 25; ++i) text += "unknown" + std::to_string(i) + ": 1\n";
    const std::string error = error_of(text);
    CHECK(std::count(error.begin(), error.end(), '\n') == 20);
    CHECK(error.ends_with("\nf.yaml: and 5 more errors"));
    for (int i = 25; i < 900; ++i) text += "unknown" + std::to_string(i) + ": 1\n";
    CHECK(error_of(text).ends_with("\nf.yaml: and at least 180 more errors"));
}

TEST_CASE("yaml: broken YAML and broken text have a place, too") {
    check_errors({
        {"filters:\n\t- a", "f.yaml:2:2: not valid YAML: illegal block entry; indent with blanks, not with tabs"},
        {"filters: [a", "f.yaml:1:1: not valid YAML: end of sequence flow not found"},
        {"server: {}\nfilters: a: b", "f.yaml:2:11: not valid YAML: illegal map value"},
        {"filters: [a]\nb\xff: 1", "f.yaml:2:2: expected text in UTF-8, found the byte \\xff"},
        {std::string_view("fil\0ters: [a]", 13), "f.yaml:1:4: expected text in UTF-8, found the byte \\x00"},
        {"# \x1b[2J", "f.yaml:1:3: expected text in UTF-8, found the byte \\x1b"},
        {"[[[[[[[[[[[[[[[[[", "f.yaml:1:9: not valid YAML: nested too deeply"},
    });
}

TEST_CASE("yaml: size and depth are bounded before they cost anything") {
    CHECK(error_of(std::string(1024 * 1024 + 1, '#')) ==
          "f.yaml: expected a configuration file, found one of more than 1 MiB");
    for (const std::string_view piece :
         {"[", "{", "- ", "? ", "[a,", "{a:", "- [a\n", "&a ", "!a ", "\"a\":", "a:\n"}) {
        std::string text;
        while (text.size() < 20'000) text += piece;
        CAPTURE(piece);
        CHECK(error_of(text).starts_with("f.yaml:"));
    }
}

TEST_CASE("yaml: lists have a greatest length") {
    std::string many = "a";
    for (int i = 0; i < 500; ++i) many += ", a" + std::to_string(i);
    CHECK(error_of("filters: [" + many + "]") == "f.yaml:1:10: filters: expected at most 500, found 501");
    CHECK(error_of("filters: [{filter: b, for: [" + many + "]}]") ==
          "f.yaml:1:28: filters[1].for: expected at most 500, found 501");
}

TEST_CASE("yaml: a sandbox is a preset's name or a mapping") {
    const auto sandbox_of = [](const std::string& text) {
        const auto config = load_yaml("pools: {default: {sandbox: " + text + "}}\nfilters: [a]", "f.yaml");
        INFO((config ? text : config.error().text));
        REQUIRE(config);
        return config->pools.at("default").sandbox;
    };
    CHECK(sandbox_of("strict").preset == SandboxPreset::strict);
    CHECK(sandbox_of("off").preset == SandboxPreset::off);
    CHECK(sandbox_of("").preset == SandboxPreset::standard);
    const SandboxConfig sandbox =
        sandbox_of("{network: unix, read: [/etc, /usr], write: [/var/lib/x], exec: deny, required: true}");
    CHECK(sandbox.preset == SandboxPreset::standard);
    CHECK(sandbox.network == NetworkAccess::unix_only);
    CHECK(sandbox.read == std::vector<std::string>{"/etc", "/usr"});
    CHECK(sandbox.write == std::vector<std::string>{"/var/lib/x"});
    CHECK(sandbox.exec == ExecAccess::deny);
    CHECK(sandbox.required);
    CHECK(error_of("pools: {default: {sandbox: tight}}") ==
          "f.yaml:1:28: pools.default.sandbox: expected off, standard or strict, found `tight`");
    CHECK(error_of("pools: {default: {sandbox: {preset: off, exec: deny}}}\nfilters: [a]") ==
          "f.yaml:1:48: `exec` means nothing with the preset `off`");
    CHECK(error_of("pools: {default: {sandbox: [a]}}") ==
          "f.yaml:1:28: pools.default.sandbox: expected off, standard or strict, or a mapping with the keys preset, "
          "network, read, write, exec, required, found a list");
}
