// conf/pythonfilter.yaml is the option table as a file: in step with it, and loadable however it is uncommented.
#include "config/option_text.h"
#include "config/option_walk.h"
#include "config/sample_file.h"
#include "config/yaml_loader.h"
#include "source_paths.h"

#include <algorithm>
#include <doctest/doctest.h>
#include <fstream>
#include <sstream>

using namespace pythonfilter;

namespace {

std::vector<std::string> sample_lines() {
    std::vector<std::string> lines;
    std::istringstream text(print_sample_file());
    for (std::string line; std::getline(text, line);) lines.push_back(line);
    return lines;
}

// Where the "#" of a line with a key is; a comment has one blank and a word behind it.
std::size_t key_mark(const std::string& line) {
    const std::size_t mark = line.find_first_not_of(' ');
    if (mark == std::string::npos || line[mark] != '#' || mark + 1 == line.size()) return std::string::npos;
    return line[mark + 1] == ' ' && line.substr(mark + 2, 1) != " " ? std::string::npos : mark;
}

std::string uncommented(const std::vector<std::string>& lines, std::size_t first, std::size_t last) {
    std::string text;
    for (std::size_t i = 0; i < lines.size(); ++i) {
        std::string line = lines[i];
        const std::size_t mark = key_mark(line);
        if (i >= first && i <= last && mark != std::string::npos) line.erase(mark, 1);
        text += line + "\n";
    }
    return text;
}

Config loaded(const std::string& text) {
    Result<Config> config = load_yaml(text, "sample");
    INFO((config ? text : config.error().text));
    REQUIRE(config);
    return *config;
}

// "server.queue.limit=1000\n...", for a Config's sections (not pools and filters).
std::string values(const Section& section, void* owner, const std::string& prefix = {}) {
    std::string text;
    for (const Option& option : section.options) {
        const Slot slot = option.slot(owner);
        const std::string path = prefix + std::string(option.key);
        if (const auto* nested = std::get_if<SectionSlot>(&slot)) {
            text += values(*option.section, nested->owner, path + ".");
        } else {
            text += path + "=" + value_text(option, slot) + "\n";
        }
    }
    return text;
}

std::string section_values(const Option& option, Config* config) {
    return values(*option.section, std::get<SectionSlot>(option.slot(config)).owner);
}

}  // namespace

TEST_CASE("sample: conf/pythonfilter.yaml is what the option table prints (src/config/print_sample writes it)") {
    std::ifstream file(SAMPLE_FILE, std::ios::binary);
    REQUIRE(file);
    std::stringstream content;
    content << file.rdbuf();
    CHECK(content.str() == print_sample_file());
}

TEST_CASE("sample: every row of the table has a paragraph and is in the sample with its default") {
    int rows = 0;
    walk_options([&](const OptionVisit& visit) {
        CAPTURE(visit.path);
        ++rows;
        CHECK(visit.option.text.ends_with("."));
        const bool has_value = visit.option.section == nullptr;
        CHECK((!has_value || visit.option.required || !default_text(visit.option, visit.slot).empty()));
        const std::string key = std::string(visit.option.key) + ":";
        bool found = false;
        for (const std::string& line : sample_lines()) {
            const std::size_t start = line.find_first_not_of(" #-");
            found = found || (start != std::string::npos && line.compare(start, key.size(), key) == 0);
        }
        CHECK(found);
    });
    CHECK(rows == 84);
}

TEST_CASE("sample: the keys that a reload does not change are said to need a restart") {
    std::string paths;
    walk_options([&](const OptionVisit& visit) {
        if (visit.option.restart) paths += visit.path + "\n";
    });
    CHECK(paths == "courier.sysconfdir\ncourier.localstatedir\ncourier.mailuser\ncourier.mailgroup\nserver.socket\n"
                   "server.control.directory\nserver.supervisor\n");
    const auto lines = sample_lines();
    CHECK(std::count_if(lines.begin(), lines.end(), [](const std::string& line) {
              return line.ends_with("A change needs a restart.");
          }) == 7);
}

TEST_CASE("sample: as it is, it changes nothing") {
    Config config = loaded(print_sample_file());
    Config defaults;
    CHECK(values(root_section(), &config) == values(root_section(), &defaults));
    CHECK(config.filters.empty());
    CHECK(config.pools.size() == 1);
}

TEST_CASE("sample: with every key uncommented it loads, and shows the defaults") {
    const auto lines = sample_lines();
    Config config = loaded(uncommented(lines, 0, lines.size()));
    REQUIRE(config.filters.size() == 1);
    CHECK(config.filters[0].filter == "NAME");
    CHECK(config.filters[0].timeout == 20s);
    CHECK(config.pools.at("default").failure.on_crash == FailureAction::skip);
    Config defaults;
    defaults.server.control = config.server.control;  // shown by an example
    defaults.server.status_page = config.server.status_page;
    defaults.server.canary.message = config.server.canary.message;
    PoolConfig pool;
    pool.failure = config.pools.at("default").failure;  // shown by an example
    pool.recycle = {1000, 24h, ByteSize{200 << 20}, 200};  // so are these, which are not set by default
    pool.workers = {2, 8};
    pool.limits.memory = ByteSize{512 << 20};
    pool.limits.file_size = ByteSize{100 << 20};
    pool.limits.files = 128;
    pool.limits.cpu = 20s;
    pool.sandbox = config.pools.at("default").sandbox;  // most of it too
    CHECK(pool.sandbox.preset == SandboxPreset::standard);
    CHECK(pool.sandbox.network == NetworkAccess::unix_only);
    for (const Option& option : root_section().options) {
        if (option.key == "courier" || option.key == "server")
            CHECK(section_values(option, &config) == section_values(option, &defaults));
        if (option.key == "pools")
            CHECK(values(*option.section, &config.pools.at("default")) == values(*option.section, &pool));
    }
    const FailurePolicy policy = config.filters[0].policy;
    CHECK(policy.on_error == FailurePolicy{}.on_error);
    CHECK(policy.on_bad_reply == FailurePolicy{}.on_bad_reply);
    CHECK(policy.on_unavailable == FailurePolicy{}.on_unavailable);
}

TEST_CASE("sample: with any one key uncommented it loads") {
    const auto lines = sample_lines();
    int keys = 0;
    bool filter = false;  // the other keys of a filter cannot stand without its first
    for (std::size_t i = 0; i < lines.size(); ++i) {
        if (key_mark(lines[i]) == std::string::npos || filter) continue;
        filter = lines[i].find("#- ") != std::string::npos;
        loaded(uncommented(lines, i, i));
        ++keys;
    }
    CHECK(keys > 20);
}
