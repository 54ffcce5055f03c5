#include "master/check_command.h"

#include "base/log.h"
#include "config/pool_size.h"
#include "config/secrets.h"
#include "master/listen_socket.h"
#include "master/privileges.h"
#include "master/run_master.h"
#include "master/zygote_client.h"

#include <cstdio>
#include <set>
#include <unistd.h>

namespace pythonfilter {
namespace {

void print_lines(const char* label, const std::string& lines) {
    for (std::size_t at = 0; at < lines.size();) {
        const std::size_t end = std::min(lines.find('\n', at), lines.size());
        std::fprintf(stderr, "%s: %s\n", label, lines.substr(at, end - at).c_str());
        at = end + 1;
    }
}

// What root can read the mail user perhaps cannot, and it is the mail user who reads.
Result<Config> load_as_mail_user(const ConfigRequest& request) {
    auto config = load_config(request);
    if (!config || geteuid() != 0) return config;
    const auto user = become_mail_user(config->courier);
    if (!user) return user.error();
    auto again = load_config(request);
    if (again) return again;
    return Error{again.error().text + "\nuser '" + user->name + "', as whom the server runs, must be able to read it"};
}

std::string chain_text(const Config& config) {
    std::string text;
    for (const FilterConfig& filter : config.filters) {
        text += (text.empty() ? "" : ", ") + escape(filter.filter);
        if (filter.pool.name != "default") text += " (pool " + escape(filter.pool.name) + ")";
    }
    return text.empty() ? "no filters: every message is accepted" : text;
}

std::string workers_text(PoolSize size) {
    const std::string max = std::to_string(size.max) + (size.max == 1 ? " worker" : " workers");
    return size.min == size.max ? max : std::to_string(size.min) + " to " + max;
}

std::string pools_text(const Config& config) {
    std::set<std::string> used;
    for (const FilterConfig& filter : config.filters) used.insert(filter.pool.name);
    std::string text;
    for (const auto& [name, pool] : config.pools) {
        text += (text.empty() ? "" : ", ") + escape(name) + " (" + workers_text(pool_size(pool.workers)) +
                (used.contains(name) ? ")" : ", not used)");
    }
    return text;
}

void print_section(const std::string& section, const Settings& settings) {
    for (const auto& [key, setting] : settings)
        std::printf("setting: %s: %s = %s\n", section.c_str(), escape(key).c_str(),
                    to_text_without_secrets(key, setting.value).c_str());
}

// Those of all pools first: what follows wins over them.
void print_settings(const Config& config) {
    for (const auto& [section, settings] : config.modules) print_section(section, settings);
    for (const FilterConfig& filter : config.filters) {
        const std::string pool = filter.pool.name == "default" ? "" : " (pool " + filter.pool.name + ")";
        print_section(section_of_filter(filter.filter) + pool, filter.settings);
    }
}

}  // namespace

int check_command(const ConfigRequest& request) {
    const auto config = load_as_mail_user(request);
    if (!config) {
        print_lines("error", config.error().text);
        return kExitConfig;
    }
    if (const Status status = check_preload_library(preload_library()); !status) {
        print_lines("error", status.error().text);
        return kExitConfig;
    }
    for (const std::string& warning : config->warnings) print_lines("warning", warning);
    std::printf("file:    %s\n", escape(config->file).c_str());
    std::printf("socket:  %s\n", escape(socket_place(*config).path()).c_str());
    std::printf("chain:   %s\n", chain_text(*config).c_str());
    std::printf("pools:   %s\n", pools_text(*config).c_str());
    print_settings(*config);
    return 0;
}

}  // namespace pythonfilter
