// load_yaml(), load_legacy() and parse_courier_config(): any text, given to all three. What loads is usable as it is,
// and what does not load has errors that can be printed, whose places are in the text.
#include "base/log.h"
#include "config/courier_dirs.h"
#include "config/legacy_loader.h"
#include "config/option_text.h"
#include "config/pool_settings.h"
#include "config/pool_size.h"
#include "config/yaml_loader.h"
#include "demand.h"

#include <charconv>

using namespace pythonfilter;

namespace {

constexpr std::string_view kFile = "file";
// yaml-cpp counts on when the text ends within an escape of up to 8 digits.
constexpr std::size_t kBehindEnd = 10;

void check_printable(std::string_view line) {
    for (const char c : line) DEMAND(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
}

// The length of a line; of a line that is not there it is 0, but the one after the last is where YAML ends.
std::size_t line_length(std::string_view text, int line) {
    for (; line > 1; --line) {
        if (text.empty()) DEMAND(line == 2);
        text.remove_prefix(std::min(text.find('\n'), text.size() - !text.empty()) + !text.empty());
    }
    return std::min(text.find('\n'), text.size());
}

// "file:3:5: ..." or "file: ...".
void check_report(std::string_view line, std::string_view text) {
    check_printable(line);
    DEMAND(line.starts_with(kFile));
    line.remove_prefix(kFile.size());
    DEMAND(line.starts_with(':'));
    if (line.starts_with(": ")) return;
    int at[2] = {0, 0};
    for (int& number : at) {
        line.remove_prefix(1);
        const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), number);
        DEMAND(error == std::errc() && number > 0);
        line.remove_prefix(static_cast<std::size_t>(end - line.data()));
        DEMAND(line.starts_with(':'));
    }
    DEMAND(line.starts_with(": ") && line.size() > 2);
    DEMAND(static_cast<std::size_t>(at[1]) <= line_length(text, at[0]) + kBehindEnd);
}

void check_error(std::string_view error, std::string_view text) {
    DEMAND(!error.empty() && std::count(error.begin(), error.end(), '\n') <= 20);
    while (!error.empty()) {
        const std::size_t end = std::min(error.find('\n'), error.size());
        check_report(error.substr(0, end), text);
        error.remove_prefix(std::min(end + 1, error.size()));
    }
}

std::string to_text_of(const Settings& settings) {
    std::string text;
    for (const auto& [key, setting] : settings) {
        DEMAND(!key.empty() && key.size() <= 128 && setting.line > 0);
        text += escape(key) + to_text(setting.value);
    }
    return text;
}

void check_settings(const Config& config) {
    for (const auto& [section, settings] : config.modules) {
        DEMAND(plausible_text(TextRule::section, section));
        check_printable(to_text_of(settings));
    }
    for (const auto& [pool, its] : config.pools) {
        std::size_t size = 0;
        for (const auto& [section, settings] : pool_settings(config, pool)) size += packed_size(section, settings);
        DEMAND(size <= kMaxSettingsSize);
    }
}

void check_filter(const FilterConfig& filter, const Config& config) {
    DEMAND(plausible_text(TextRule::module, filter.filter));
    DEMAND(config.pools.contains(filter.pool.name));
    DEMAND(filter.effective_timeout >= 100ms && filter.effective_timeout <= 9min);
    DEMAND(filter.origin.starts_with("file:") && !filter.origin.ends_with(":0"));
    DEMAND(filter.policy.legacy == config.legacy);
    check_printable(to_text_of(filter.settings));
    if (!filter.bypass) return;
    for (const std::string& name : *filter.bypass) DEMAND(plausible_text(TextRule::module, name));
}

void check_courier(const CourierDirs& dirs) {
    DEMAND(plausible_text(TextRule::path, dirs.sysconfdir) && plausible_text(TextRule::path, dirs.localstatedir));
    DEMAND(plausible_text(TextRule::account, dirs.mailuser) && plausible_text(TextRule::account, dirs.mailgroup));
}

// One that was written in place is called like its filter, with a number behind that if need be.
void check_pool(const std::string& name, const PoolConfig& pool) {
    DEMAND(plausible_text(TextRule::pool, name) || plausible_text(TextRule::module, name.substr(0, 128)));
    const PoolSize size = pool_size(pool.workers);
    DEMAND(size.min >= 1 && size.min <= size.max && size.max <= 1000);
    DEMAND(!pool.exclusive || size.max == 1);
    DEMAND(pool.start_timeout >= 1s && pool.start_timeout <= 10min);
    for (const auto& [variable, value] : pool.env) {
        DEMAND(plausible_text(TextRule::variable, variable) && variable != "TMPDIR");
        DEMAND(value.size() <= 4096 && value.find('\0') == std::string::npos);
    }
}

void check_config(const Config& config) {
    check_courier(config.courier);
    DEMAND(config.server.message_timeout >= 1s && config.server.message_timeout <= 9min);
    DEMAND(config.server.request_timeout >= 100ms && config.server.request_timeout <= 2min);
    DEMAND(config.server.queue.limit >= 1 && config.server.queue.limit <= 100'000);
    DEMAND(config.pools.contains("default") && config.pools.size() <= 101 + config.filters.size());
    for (const auto& [name, pool] : config.pools) check_pool(name, pool);
    check_settings(config);
    DEMAND(config.filters.size() <= 500);
    for (const FilterConfig& filter : config.filters) check_filter(filter, config);
    for (const std::string& path : config.filter_path) DEMAND(plausible_text(TextRule::path, path));
}

void check(const Result<Config>& config, std::string_view text) {
    if (!config) return check_error(config.error().text, text);
    check_config(config.value());
    for (const std::string& warning : config.value().warnings) check_report(warning, text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = as_text(data, size);
    const auto mark = text.starts_with("\xEF\xBB\xBF") ? text.substr(3) : text;  // no part of a YAML file's first line
    check(load_yaml(text, std::string(kFile)), mark);
    check(load_legacy(text, std::string(kFile)), text);
    const CourierConfigRun courier = parse_courier_config(text);
    check_courier(courier.dirs);
    check_printable(courier.problem);
    return 0;
}
