#include "config/complete_config.h"

#include "config/nearest.h"
#include "config/option_text.h"

#include <algorithm>
#include <map>
#include <set>

namespace pythonfilter {
namespace {

void check_pools(const Config& config, const Places& places, LoadReport& report) {
    std::vector<std::string_view> names;
    for (const auto& [name, pool] : config.pools) names.push_back(name);
    std::set<std::string> used = {"default"};
    for (const FilterConfig& filter : config.filters) {
        used.insert(filter.pool);
        if (config.pools.contains(filter.pool)) continue;
        report.error(places.of(&filter.pool), "the pool " + quote(filter.pool) + " is not defined under `pools`" +
                                                  did_you_mean(filter.pool, names));
    }
    for (const auto& [name, pool] : config.pools) {
        if (!used.contains(name)) report.warning(places.of(&name), "no filter uses the pool " + quote(name));
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
        const auto [entry, added] = first.try_emplace({filter.pool, filter.filter}, place);
        if (added) continue;
        report.error(place, "the filter " + quote(filter.filter) + " is in the pool " + quote(filter.pool) +
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

void check_timeout(const Config& config, Duration timeout, Place place, LoadReport& report) {
    if (place.line == 0 || timeout <= config.server.message_timeout) return;
    report.warning(place, "a timeout of " + format_duration(timeout) + " is never reached: a message has " +
                              format_duration(config.server.message_timeout) + " in all");
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
    }
    if (config.filters.empty()) report.warning({}, "no filter is configured: every message is accepted");
}

// Who reads a section asks for it by name, so in one process it is the same for all who ask.
void check_shared_section(const Config& config, const FilterConfig& filter, const Places& places, LoadReport& report) {
    const std::string section = section_of_filter(filter.filter);
    for (const FilterConfig& other : config.filters) {
        if (other.filter == filter.filter || other.pool != filter.pool) continue;
        if (section_of_filter(other.filter) != section) continue;
        report.error(places.of(&filter.settings),
                     "the filter " + quote(other.filter) + " is in the pool " + quote(filter.pool) +
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
            if (filter.pool != pool || filter.settings.empty() || size > kMaxSettingsSize) continue;
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
    check_duplicates(config, places, report);
    check_chain(config, places, report);
    check_settings(config, places, report);
    if (report.failed()) return;
    for (FilterConfig& filter : config.filters) {
        const PoolConfig& pool = config.pools.at(filter.pool);
        filter.effective_timeout = filter.timeout.value_or(pool.timeout);
        filter.policy = effective_policy(filter.failure, pool.failure, config.failure);
        filter.policy.legacy = config.legacy;
        filter.origin = config.file + ":" + std::to_string(places.of(&filter.filter).line);
    }
    const std::vector<std::string> warnings = report.warnings();
    config.warnings.insert(config.warnings.end(), warnings.begin(), warnings.end());
}

}  // namespace pythonfilter
