#include "config/complete_config.h"

#include "config/listen_address.h"
#include "config/nearest.h"
#include "config/option_text.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

namespace pythonfilter {
namespace {

void check_pools(const Config& config, const Places& places, LoadReport& report) {
    std::vector<std::string_view> names;
    for (const auto& [name, pool] : config.pools) names.push_back(name);
    std::set<std::string> used = {"default"};
    for (const FilterConfig& filter : config.filters) {
        const std::string& pool = filter.pool.name;
        if (!filter.pool.in_place.empty()) continue;
        used.insert(pool);
        if (config.pools.contains(pool)) continue;
        report.error(places.of(&pool),
                     "the pool " + quote(pool) + " is not defined under `pools`" + did_you_mean(pool, names));
    }
    for (const auto& [name, pool] : config.pools) {
        if (!used.contains(name)) report.warning(places.of(&name), "no filter uses the pool " + quote(name));
        const WorkersConfig& workers = pool.workers;
        if (workers.min && workers.max && *workers.min > *workers.max)
            report.error(places.of(&workers.min), "`min` is greater than `max`");
    }
}

// Pools that are written in place join the others, each for one filter alone: nobody can have named them.
void name_pools_in_place(Config& config) {
    for (FilterConfig& filter : config.filters) {
        if (filter.pool.in_place.empty()) continue;
        std::string name = filter.filter;
        for (int number = 2; config.pools.contains(name); ++number) name = filter.filter + "-" + std::to_string(number);
        auto pool = filter.pool.in_place.extract(filter.pool.in_place.begin());  // its address stays
        pool.key() = filter.pool.name = name;
        config.pools.insert(std::move(pool));
    }
}

// Two entries in one pool would be the same module in the same process, and share its globals. Legacy files may do so:
// there it has always been that way.
void check_duplicates(const Config& config, const Places& places, LoadReport& report) {
    if (config.legacy) return;
    std::map<std::pair<std::string, std::string>, Place> first;
    for (const FilterConfig& filter : config.filters) {
        if (filter.filter.empty()) continue;  // reported by the loader
        const Place place = places.of(&filter.filter);
        const auto [entry, added] = first.try_emplace({filter.pool.name, filter.filter}, place);
        if (added) continue;
        report.error(place, "the filter " + quote(filter.filter) + " is in the pool " + quote(filter.pool.name) +
                                " already, in line " + std::to_string(entry->second.line) +
                                "; both would share their globals: give one of them another pool");
    }
}

void check_bypass(const Config& config, std::size_t index, const Places& places, LoadReport& report) {
    const FilterConfig& filter = config.filters[index];
    if (!filter.bypass) return;
    std::vector<std::string_view> chain;
    for (const FilterConfig& other : config.filters) chain.push_back(other.filter);
    for (const std::string& name : *filter.bypass) {
        if (report.warnings_full()) return;
        if (name.empty()) continue;  // reported by the loader
        const auto later = chain.begin() + static_cast<std::ptrdiff_t>(index) + 1;
        if (std::find(later, chain.end(), name) != chain.end()) continue;
        if (std::find(chain.begin(), later, name) != later) {
            report.warning(places.of(&name), "the filter " + quote(name) + " does not come after " +
                                                 quote(filter.filter) + ", which cannot bypass it");
        } else {
            report.warning(places.of(&name),
                           "the filter " + quote(name) + " is not in the chain" + did_you_mean(name, chain));
        }
    }
}

// Keys that say nothing would be believed to hold.
void check_sandbox(const SandboxConfig& sandbox, const Places& places, LoadReport& report) {
    if (sandbox.preset != SandboxPreset::off) return;
    const auto refuse = [&](bool written, const void* member, const char* key) {
        if (written) report.error(places.of(member), std::string("`") + key + "` means nothing with the preset `off`");
    };
    refuse(sandbox.network.has_value(), &sandbox.network, "network");
    refuse(sandbox.read.has_value(), &sandbox.read, "read");
    refuse(sandbox.write.has_value(), &sandbox.write, "write");
    refuse(sandbox.exec.has_value(), &sandbox.exec, "exec");
    refuse(sandbox.required, &sandbox.required, "required");
}

// Why the value of a pool would not hold, or would harm: the server sets them, and knows them better.
struct ServersVariable {
    std::string_view name, why;
};
constexpr ServersVariable kServersVariables[] = {
    {"TMPDIR", "each worker has a directory of its own"},
    {"USER", "it is the user that the server runs as"},
    {"LOGNAME", "it is the user that the server runs as"},
    {"sysconfdir", "it is `courier.sysconfdir`"},
    {"LANG", "filters run in a UTF-8 locale"},
    {"LC_ALL", "filters run in a UTF-8 locale"},
    {"LC_CTYPE", "filters run in a UTF-8 locale"},
};

void check_environment(const PoolConfig& pool, const Places& places, LoadReport& report) {
    for (const ServersVariable& variable : kServersVariables) {
        const auto written = pool.env.find(std::string(variable.name));
        if (written == pool.env.end()) continue;
        report.error(places.of(&written->first),
                     "the variable " + quote(variable.name) + " is set by the server: " + std::string(variable.why));
    }
}

void check_exclusive(PoolConfig& pool, const Places& places, LoadReport& report) {
    if (!pool.exclusive) return;
    const std::optional<int> bounds[] = {pool.workers.min, pool.workers.max};
    for (const auto& bound : bounds) {
        if (!bound || *bound == 1) continue;
        const Place place = places.of(&bound == bounds ? &pool.workers.min : &pool.workers.max);
        report.error(place, "an exclusive pool has 1 worker, found " + std::to_string(*bound));
        break;
    }
    pool.workers.min = pool.workers.max = 1;
}

void check_timeout(const Config& config, Duration timeout, Place place, LoadReport& report) {
    if (place.line == 0 || timeout <= config.server.message_timeout) return;
    report.warning(place, "a timeout of " + format_duration(timeout) + " is never reached: a message has " +
                              format_duration(config.server.message_timeout) + " in all");
}

// Courier asks whatever stands in its directories, and would take a control socket for a filter.
bool is_asked_by_courier(const Config& config, const std::string& directory) {
    const auto normal = [](const std::string& path) { return std::filesystem::path(path + "/").lexically_normal(); };
    return normal(directory) == normal(config.socket_directory()) ||
           normal(directory) == normal(config.other_socket_directory());
}

void check_control(const Config& config, const Places& places, LoadReport& report) {
    const std::string& directory = config.server.control.directory;
    if (!is_asked_by_courier(config, directory)) return;
    report.error(places.of(&directory), "server.control.directory: expected another directory than those of Courier's "
                                        "filter sockets: Courier would ask the control socket about each message");
}

void check_status_page(const Config& config, const Places& places, LoadReport& report) {
    const StatusPageConfig& page = config.server.status_page;
    const auto address = parse_listen_address(page.listen);
    if (address && is_asked_by_courier(config, address->path.substr(0, address->path.rfind('/')))) {
        report.error(places.of(&page.listen), "server.status_page.listen: expected a path in another directory than "
                                              "those of Courier's filter sockets");
    }
    if (!address || address->is_local() || page.anywhere) return;
    report.error(places.of(&page.listen), "server.status_page.listen: expected a loopback address, such as "
                                          "127.0.0.1:9780, or a path; other hosts reach " + quote(page.listen) +
                                              ", which is possible with `anywhere: true`");
}

void check_chain(const Config& config, const Places& places, LoadReport& report) {
    for (std::size_t i = 0; i < config.filters.size(); ++i) {
        check_bypass(config, i, places, report);
        const FilterConfig& filter = config.filters[i];
        if (filter.timeout) check_timeout(config, *filter.timeout, places.of(&filter.timeout), report);
    }
    for (const auto& [name, pool] : config.pools) {
        check_timeout(config, pool.timeout, places.of(&pool.timeout), report);
        check_sandbox(pool.sandbox, places, report);
        check_environment(pool, places, report);
    }
    if (config.filters.empty()) report.warning({}, "no filter is configured: every message is accepted");
}

// Who reads a section asks for it by name, so in one process it is the same for all who ask.
void check_shared_section(const Config& config, const FilterConfig& filter, const Places& places, LoadReport& report) {
    const std::string section = section_of_filter(filter.filter);
    for (const FilterConfig& other : config.filters) {
        if (other.filter == filter.filter || other.pool.name != filter.pool.name) continue;
        if (section_of_filter(other.filter) != section) continue;
        report.error(places.of(&filter.settings),
                     "the filter " + quote(other.filter) + " is in the pool " + quote(filter.pool.name) +
                         ", too, and reads the same section " + quote(section) + ": give one of them another pool");
        return;
    }
}

void check_module_names(const Config& config, const Places& places, LoadReport& report) {
    for (const auto& [section, settings] : config.modules) {
        const std::string& name = section;  // clang 14 lets no lambda refer to a structured binding
        const auto is_meant = [&](const FilterConfig& filter) { return filter.filter == name; };
        if (std::none_of(config.filters.begin(), config.filters.end(), is_meant)) continue;
        report.warning(places.of(&settings), "the filter " + quote(name) + " reads the section " +
                                                 quote(section_of_filter(name)) + ", or its own `settings`");
    }
}

// All that a pool is told goes to its zygote in one packet.
void check_settings_size(const Config& config, const Places& places, LoadReport& report) {
    for (const auto& [pool, its] : config.pools) {
        std::size_t size = 0;
        for (const auto& [section, settings] : config.modules) size += packed_size(section, settings);
        Place place = config.modules.empty() ? Place{} : places.of(&config.modules.rbegin()->second);
        for (const FilterConfig& filter : config.filters) {
            if (filter.pool.name != pool || filter.settings.empty() || size > kMaxSettingsSize) continue;
            size += packed_size(section_of_filter(filter.filter), filter.settings);
            place = places.of(&filter.settings);
        }
        if (size <= kMaxSettingsSize) continue;
        report.error(place, "the settings that the pool " + quote(pool) + " gets take " + std::to_string(size) +
                                " bytes, expected at most " + std::to_string(kMaxSettingsSize) +
                                ": keep long lists in a file that the module reads");
    }
}

void check_settings(const Config& config, const Places& places, LoadReport& report) {
    for (const FilterConfig& filter : config.filters) {
        if (!filter.settings.empty() && !report.errors_full()) check_shared_section(config, filter, places, report);
    }
    check_module_names(config, places, report);
    check_settings_size(config, places, report);
}

}  // namespace

FailurePolicy effective_policy(const FailureKeys& filter, const FailureKeys& pool, const FailureKeys& top) {
    FailurePolicy policy;
    for (const FailureKeys* level : {&top, &pool, &filter}) {  // outermost first: the nearest is written last
        FailureKeys keys = *level;
        for (const Option& option : failure_section().options) {
            const auto choice = std::get<ChoiceSlot>(option.slot(&keys));
            if (const auto action = choice.get(choice.member))
                policy.*option.policy = static_cast<FailureAction>(*action);
        }
    }
    return policy;
}

void complete_config(Config& config, const Places& places, LoadReport& report) {
    check_pools(config, places, report);
    name_pools_in_place(config);
    check_duplicates(config, places, report);
    for (auto& [name, pool] : config.pools) check_exclusive(pool, places, report);
    check_chain(config, places, report);
    check_control(config, places, report);
    check_status_page(config, places, report);
    check_settings(config, places, report);
    if (report.failed()) return;
    for (FilterConfig& filter : config.filters) {
        const PoolConfig& pool = config.pools.at(filter.pool.name);
        filter.effective_timeout = filter.timeout.value_or(pool.timeout);
        filter.policy = effective_policy(filter.failure, pool.failure, config.failure);
        filter.policy.legacy = config.legacy;
        filter.origin = config.file + ":" + std::to_string(places.of(&filter.filter).line);
    }
    const std::vector<std::string> warnings = report.warnings();
    config.warnings.insert(config.warnings.end(), warnings.begin(), warnings.end());
}

}  // namespace pythonfilter
