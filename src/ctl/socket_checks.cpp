#include "ctl/socket_checks.h"

#include "base/log.h"
#include "base/unix_socket.h"
#include "ctl/service_checks.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <vector>

namespace pythonfilter {
namespace {

constexpr Duration kPatience = 1s;

// The names that Courier looks at. `problem` is set when the directory cannot be read.
std::vector<std::string> entries_of(const std::string& directory, std::string& problem) {
    std::vector<std::string> names;
    std::error_code failure;
    for (std::filesystem::directory_iterator at(directory, failure), end; !failure && at != end; at.increment(failure))
        if (const std::string name = at->path().filename(); name.front() != '.') names.push_back(name);
    if (failure) problem = directory + ": " + failure.message();
    std::sort(names.begin(), names.end());
    return names;
}

void check_rights(const std::string& path, const Config& config, Findings& findings) {
    struct stat info{};
    if (lstat(path.c_str(), &info) != 0) return;
    const passwd* user = getpwnam(config.courier.mailuser.c_str());
    const group* group = getgrnam(config.courier.mailgroup.c_str());
    if (!user || !group) {
        findings.push_back(error("there is no user '" + escape(config.courier.mailuser) + "' or no group '" +
                                     escape(config.courier.mailgroup) + "'",
                                 "set courier.mailuser and courier.mailgroup in " + config.file));
        return;
    }
    if (info.st_uid != user->pw_uid || info.st_gid != group->gr_gid)
        findings.push_back(error(path + " does not belong to the mail user and group: local mail is deferred",
                                 "chown " + config.courier.mailuser + ":" + config.courier.mailgroup + " " + path));
    if ((info.st_mode & 0777) != 0660)
        findings.push_back(error(path + " has not the mode 0660: mail may be deferred", "chmod 0660 " + path));
}

void check_entry(const std::string& path, const std::string& name, const Config& config, SocketChecks& checks) {
    const bool own = path == config.socket_directory() + "/" + config.instance;
    checks.own_is_there |= own;
    const auto connected = connect_unix(path, Clock::now() + kPatience);
    if (own) check_rights(path, config, checks.findings);
    if (own == false && name == config.instance)
        checks.findings.push_back(error(path + " has our name in the other directory: Courier asks twice",
                                        "rm " + path));
    if (std::holds_alternative<UniqueFd>(connected)) {
        checks.findings.push_back(good(path + (own ? " is there, and somebody listens" : " is another filter's")));
        return;
    }
    checks.any_refuses = true;
    const std::string why = std::strerror(std::get<ConnectFailure>(connected).error_number);
    checks.findings.push_back(own ? error(path + ": " + why + ": nobody serves it, and Courier defers all mail (432)",
                                          restart_command(config))
                                  : error(path + ": " + why + ": whose it was does not run, and Courier defers all "
                                                              "mail (432)",
                                          "start that filter, or rm " + path));
}

}  // namespace

SocketChecks check_filter_sockets(const Config& config) {
    SocketChecks checks;
    for (const std::string& directory : {config.socket_directory(), config.other_socket_directory()}) {
        std::string problem;
        for (const std::string& name : entries_of(directory, problem))
            check_entry(directory + "/" + name, name, config, checks);
        if (problem.empty()) continue;
        checks.unknown = true;
        checks.findings.push_back(warning(problem, "run this as root or as the mail user"));
    }
    if (!checks.own_is_there && !checks.unknown)
        checks.findings.push_back(error(config.socket_directory() + "/" + config.instance +
                                            " is missing: mail passes unfiltered",
                                        "filterctl start " + config.instance));
    return checks;
}

}  // namespace pythonfilter
