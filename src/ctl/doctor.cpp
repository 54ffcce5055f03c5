#include "ctl/doctor.h"

#include "base/log.h"
#include "base/process.h"
#include "build_id.h"
#include "config/find_config.h"
#include "ctl/ask.h"
#include "ctl/enablefiltering.h"
#include "ctl/find_socket.h"
#include "ctl/service_checks.h"
#include "ctl/socket_checks.h"
#include "message/server_status_codec.h"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <unistd.h>

namespace pythonfilter {
namespace {

void append(Findings& to, const Findings& more) { to.insert(to.end(), more.begin(), more.end()); }

std::optional<std::string> content_of(const std::string& path) {
    std::ifstream file(path);
    if (!file) return std::nullopt;
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

Config usual_config(const CtlCommandLine& line) {
    Config usual;
    usual.instance = line.instance;
    usual.courier = find_courier_dirs();
    return usual;
}

Findings check_configuration(const Result<Config>& config) {
    if (!config) return {error(config.error().text, "mend the file; `pythonfilter check` looks again")};
    Findings findings{good("the configuration is good: " + config->file)};
    for (const std::string& text : config->warnings) findings.push_back(warning(text, "see pythonfilter.yaml(5)"));
    return findings;
}

// Courierfilter starts what has a link in filters/active.
Finding check_link(const Config& config) {
    const std::string path = config.courier.sysconfdir + "/filters/active/" + config.instance;
    const std::string start = "filterctl start " + config.instance;
    std::error_code failure;
    if (!std::filesystem::is_symlink(path, failure)) {
        if (config.server.supervisor == Supervisor::none)
            return good(path + " is not there, and need not be: server.supervisor is none");
        return warning(path + " is not there: courierfilter " +
                           (config.server.supervisor == Supervisor::systemd ? "clears the service's socket away"
                                                                            : "does not start this server"),
                       start);
    }
    if (access(path.c_str(), X_OK) != 0)
        return error(path + " leads to nothing that can be run", "filterctl stop " + config.instance + "; " + start);
    const auto target = std::filesystem::canonical(path, failure);
    const std::string own = installation_prefix() + "/sbin/pythonfilter";
    if (!failure && target != std::filesystem::canonical(own, failure))
        return warning(path + " leads to " + target.string() + ", this program belongs to " + own,
                       "ln -sfn " + own + " /usr/lib/courier/filters/" + config.instance + "; " +
                           restart_command(config));
    return good(path + " leads to " + target.string());
}

// A module of this name, wherever Python would look for the site's and the stock filters.
Finding check_filter(const std::string& name, const Config& config) {
    std::vector<std::string> directories = config.filter_path;
    directories.push_back(installation_prefix() + "/lib/pythonfilter/python/pythonfilter");
    std::string file = name;
    for (char& c : file) c = c == '.' ? '/' : c;
    for (const std::string& directory : directories) {
        std::error_code failure;
        const std::string base = directory + "/" + file;
        if (std::filesystem::exists(base + ".py", failure) || std::filesystem::is_directory(base, failure))
            return good("filter " + name + ": " + base);
    }
    return warning("filter " + name + " is in no directory of filter_path and is no stock filter",
                   "put " + file + ".py into a directory of filter_path");
}

Finding check_gdbm() {
    const int status = std::system("/usr/bin/python3 -I -c 'import dbm.gnu' 2>/dev/null");
    if (status == 0) return good("Python can read Courier's .dat files");
    return warning("Python cannot read Courier's .dat files: dbm.gnu is missing", "apt install python3-gdbm");
}

Findings check_server(const Asked& asked, const std::string& restart) {
    if (asked.status != exit_ok) return {error("the server does not answer: " + asked.problem, restart)};
    const auto status = status_from_json(asked.result);
    if (!status || status->build != PYTHONFILTER_BUILD_ID)
        return {error("the running server is of another build than what is installed", restart)};
    Findings findings{good("the server answers: " + status->state + " since its start")};
    for (const std::string& problem : status->problems)
        findings.push_back(error(problem, "mend the filter, then pythonfilterctl reload"));
    for (const PoolStatus& pool : status->pools) {
        if (pool.generation == status->generation && pool.state == "failed")
            findings.push_back(error("pool " + pool.name + " has no worker: its filters' on_unavailable decides",
                                     "the log says why; then pythonfilterctl reload"));
        if (!pool.sandbox_lacks.empty())
            findings.push_back(warning("pool " + pool.name + ": its sandbox is not complete: " + pool.sandbox_lacks,
                                       "a newer kernel; see pythonfilter-sandbox(7)"));
    }
    if (status->state == "draining")
        findings.push_back(error("the server is drained: all mail is deferred", "pythonfilterctl resume"));
    return findings;
}

std::string answer_now(bool filtered, const SocketChecks& sockets, const Asked& asked) {
    if (!filtered) return "mail by SMTP passes unfiltered";
    if (sockets.any_refuses) return "432 to all mail that is filtered: a socket refuses";
    if (sockets.unknown) return "this user cannot see the sockets";
    if (!sockets.own_is_there) return "mail passes unfiltered by this server: it has no socket";
    const auto status = asked.status == exit_ok ? status_from_json(asked.result) : std::nullopt;
    if (!status) return "what the server says, which does not answer us; 451 if its configuration cannot be used";
    return status->state == "serving" ? "what the filters say" : "451 to all mail that is filtered: " + status->state;
}

int print(const Findings& findings, const std::string& answer, bool json) {
    static constexpr const char* labels[] = {"good", "warning", "error"};
    Json list = Json::array();
    bool wrong = false;
    for (const Finding& finding : findings) {
        const char* label = labels[static_cast<std::size_t>(finding.level)];
        wrong |= finding.level == Finding::Level::error;
        list.push_back(Json{{"level", label}, {"text", escape_lines(finding.text)}, {"mend", finding.mend}});
        if (json) continue;
        std::printf("%-8s %s\n", label, escape_lines(finding.text).c_str());
        if (!finding.mend.empty()) std::printf("         mend: %s\n", finding.mend.c_str());
    }
    if (json) std::fputs(indented(Json{{"findings", list}, {"courier_answers", answer}}).c_str(), stdout);
    else std::printf("\nCourier answers now: %s\n", answer.c_str());
    return wrong ? exit_failed : exit_ok;
}

}  // namespace

int doctor(const CtlCommandLine& line) {
    const auto loaded = load_config({line.instance, line.config_file});
    const Config config = loaded ? *loaded : usual_config(line);
    const std::string enablefiltering = config.courier.sysconfdir + "/enablefiltering";
    const auto words = content_of(enablefiltering);
    const SocketChecks sockets = check_filter_sockets(config);
    const Asked asked = ask(find_control_paths(line).paths, {"status", {}}, line.timeout);

    Findings findings = check_configuration(loaded);
    append(findings, examine_enablefiltering(enablefiltering, words));
    findings.push_back(check_link(config));
    append(findings, sockets.findings);
    append(findings, examine_service(config, ask_systemd(config.instance)));
    append(findings, check_server(asked, restart_command(config)));
    for (const FilterConfig& filter : config.filters) findings.push_back(check_filter(filter.filter, config));
    findings.push_back(check_gdbm());
    return print(findings, answer_now(filters_mail_of("esmtp", words), sockets, asked), line.json);
}

}  // namespace pythonfilter
