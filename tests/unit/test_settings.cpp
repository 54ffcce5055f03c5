// `settings` and `modules` of pythonfilter.yaml: values by kind, which pool sees what, and each error with its place.
#include "config/settings.h"

#include "config/pool_settings.h"
#include "config/yaml_loader.h"

#include <doctest/doctest.h>

using namespace pythonfilter;

namespace {

Result<Config> load(std::string_view text) { return load_yaml(text, "f.yaml"); }

std::string error_of(std::string_view text) {
    const auto config = load(text);
    return config ? "no error" : config.error().text;
}

Config loaded(std::string_view text) {
    const auto config = load(text);
    INFO((config ? std::string() : config.error().text));
    REQUIRE(config);
    return *config;
}

// "ttldb: dir="/x" (2)\n...": every key with its value and line.
std::string text_of(const SettingsSections& sections) {
    std::string text;
    for (const auto& [section, settings] : sections) {
        text += section + ":";
        for (const auto& [key, setting] : settings)
            text += " " + key + "=" + to_text(setting.value) + " (" + std::to_string(setting.line) + ")";
        text += "\n";
    }
    return text;
}

std::string settings_of(std::string_view value) {
    return text_of({{"a", loaded("filters: [{filter: a, settings: " + std::string(value) + "}]").filters[0].settings}});
}

}  // namespace

TEST_CASE("settings: values have the kind that they are written in") {
    const Config config = loaded(R"(
filters:
  - filter: a
    settings:
      nothing: ~
      empty:
      flag: true
      number: 60
      share: 0.5
      text: some words
      quoted: "60"
      single: 'true'
      block: |
        one
        two
      list: [1, '1', [], {}]
      map:
        a: {b: [null]}
        25: smtp
        "25": text
)");
    CHECK(text_of({{"s", config.filters[0].settings}}) ==
          "s: block=\"one\\x0atwo\\x0a\" (13) empty=null (6) flag=true (7) list=[1, \"1\", [], {}] (16) "
          "map={\"a\": {\"b\": [null]}, 25: \"smtp\", \"25\": \"text\"} (17) nothing=null (5) number=60 (8) "
          "quoted=\"60\" (11) share=0.5 (9) single=\"true\" (12) text=\"some words\" (10)\n");
}

TEST_CASE("settings: nothing behind the key is no settings") {
    CHECK(settings_of("") == "a:\n");
    CHECK(settings_of("{}") == "a:\n");
    CHECK(loaded("modules:\nfilters: [a]").modules.empty());
    CHECK(loaded("modules: {ttldb: }\nfilters: [a]").modules.size() == 1);
}

TEST_CASE("settings: each error has its place and says what to write") {
    struct Row {
        std::string_view text, error;
    };
    const Row rows[] = {
        {"{a: 1, a: 2}", "f.yaml:1:40: the key `a` is in this mapping already"},
        {"{a: {b: 1, 'b': 2}}", "f.yaml:1:44: the key `b` is in this mapping already"},
        {"{a: {1: 1, 0x1: 2}}", "f.yaml:1:44: the key `0x1` is in this mapping already"},
        {"{a: !!int 5}", "f.yaml:1:37: tags (!name) are not supported"},
        {"{a: &x 5}", "f.yaml:1:37: anchors (&name) are not supported"},
        {"{a: {<<: {b: 1}}}", "f.yaml:1:38: merge keys (<<) are not supported"},
        {"{[a]: 5}", "f.yaml:1:34: expected a key, a word before a colon"},
        {"{a: no}", "f.yaml:1:37: filters[1].settings.a: expected true or false or, for a text, the same in quotes, "
                    "found `no`"},
        {"{a: [1, 010]}", "f.yaml:1:41: filters[1].settings.a[2]: expected a number without leading zero or, for a "
                          "text, the same in quotes, found `010`"},
        {"{a: {b: {c: 1_000}}}", "f.yaml:1:45: filters[1].settings.a.b.c: expected a number of digits alone or, for a "
                                 "text, the same in quotes, found `1_000`"},
        {"{a: {1.5: x}}", "f.yaml:1:38: filters[1].settings.a: expected a text or a whole number as a key, found "
                          "`1.5`"},
        {"{a: {true: x}}", "f.yaml:1:38: filters[1].settings.a: expected a text or a whole number as a key, found "
                           "`true`"},
        {"{'': x}", "f.yaml:1:34: filters[1].settings: expected the name of a setting (1 to 128 bytes), found ``"},
        {"[a]", "f.yaml:1:33: filters[1].settings: expected a mapping of settings by name, found a list"},
        {"{\"a\\n\": {b: on}}", "f.yaml:1:45: filters[1].settings.a\\x0a.b: expected true or false or, for a text, the "
                               "same in quotes, found `on`"},
    };
    for (const auto& [text, error] : rows)
        CHECK(error_of("filters: [{filter: a, settings: " + std::string(text) + "}]") == error);
}

TEST_CASE("modules: sections by name, and each error with its place") {
    const Config config = loaded("modules:\n  ttldb: {type: sqlite}\n  authdaemon.py: {timeout: 5}\nfilters: [a]");
    CHECK(text_of(config.modules) == "authdaemon.py: timeout=5 (3)\nttldb: type=\"sqlite\" (2)\n");
    CHECK(error_of("modules: {a b: {}}") ==
          "f.yaml:1:11: modules: expected the name of a section (letters, digits, _, - and inner dots), found `a b`");
    CHECK(error_of("modules: {a: {}, a: {}}") == "f.yaml:1:18: the key `a` is in line 1 already");
    CHECK(error_of("modules: {ttldb: sqlite}") ==
          "f.yaml:1:18: modules.ttldb: expected a mapping of settings by name, found `sqlite`");
    CHECK(error_of("modules: [ttldb]") ==
          "f.yaml:1:10: modules: expected a mapping of sections by name, each with settings, found a list");
}

TEST_CASE("pool settings: a pool sees the modules' sections and its own filters', which win key by key") {
    const Config config = loaded(R"(
modules: {ttldb: {type: sqlite}, limit.py: {most: 1, least: 1}}
pools: {other: {}}
filters:
  - {filter: limit, settings: {most: 2}}
  - {filter: site.limit, pool: other, settings: {most: 3}}
  - {filter: plain, pool: other}
)");
    CHECK(text_of(pool_settings(config, "default")) ==
          "limit.py: least=1 (2) most=2 (5)\nttldb: type=\"sqlite\" (2)\n");
    CHECK(text_of(pool_settings(config, "other")) == "limit.py: least=1 (2) most=3 (6)\nttldb: type=\"sqlite\" (2)\n");
}

TEST_CASE("settings: two filters of one pool cannot have different settings in one section") {
    CHECK(error_of("filters: [{filter: a.x, settings: {k: 1}}, b.x]") ==
          "f.yaml:1:35: the filter `b.x` is in the pool `default`, too, and reads the same section `x.py`: give one of "
          "them another pool");
    CHECK(error_of("filters: [a.x, b.x]") == "no error");
}

TEST_CASE("modules: a filter's name without .py is probably not meant") {
    CHECK(loaded("modules: {a: {k: 1}}\nfilters: [a]").warnings ==
          std::vector<std::string>{"f.yaml:1:11: the filter `a` reads the section `a.py`, or its own `settings`"});
    CHECK(loaded("modules: {a.py: {k: 1}}\nfilters: [a]").warnings.empty());
}

TEST_CASE("settings: what does not fit into the packet to a zygote is an error with the place where it grew too long") {
    const std::string half(40'000, 'x');
    CHECK(error_of("modules: {m: {k: " + half + "}}\nfilters: [{filter: a, settings: {k: " + half + "}}]") ==
          "f.yaml:2:33: the settings that the pool `default` gets take 80049 bytes, expected at most 65536: keep long "
          "lists in a file that the module reads");
    CHECK(error_of("modules: {m: {k: " + half + half + "}}\nfilters: [a]")
              .starts_with("f.yaml:1:11: the settings that the pool `default` gets take 80023 bytes"));
    CHECK(error_of("pools: {o: {}}\nfilters: [{filter: a, settings: {k: " + half + "}}, {filter: b, pool: o, "
                   "settings: {k: " + half + "}}]") == "no error");
}

TEST_CASE("settings: as deep as the file may be, and no deeper") {
    const auto nested = [](std::size_t levels) {
        return std::string(levels, '[') + std::string(levels, ']');
    };
    CHECK(error_of("filters: [{filter: a, settings: {k: " + nested(12) + "}}]") == "no error");
    CHECK(error_of("filters: [{filter: a, settings: {k: " + nested(13) + "}}]").find("nested too deeply") !=
          std::string::npos);
}
