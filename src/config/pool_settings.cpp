#include "config/pool_settings.h"

namespace pythonfilter {

SettingsSections pool_settings(const Config& config, const std::string& pool) {
    SettingsSections sections = config.modules;
    for (const FilterConfig& filter : config.filters) {
        if (filter.pool.name != pool || filter.settings.empty()) continue;
        Settings& section = sections[section_of_filter(filter.filter)];
        for (const auto& [key, setting] : filter.settings) section[key] = setting;
    }
    return sections;
}

}  // namespace pythonfilter
