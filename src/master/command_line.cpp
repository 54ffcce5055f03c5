#include "master/command_line.h"

#include "build_id.h"
#include "master/master_process.h"

#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>

namespace pythonfilter {
namespace {

constexpr const char* kDescription =
    "A mail filter server for the Courier MTA: runs Python filters, each worker in a process of its own.\n"
    "Without a command it serves. The name it is called by (the last part of argv[0], here NAME) is the name of\n"
    "its socket and of its configuration file.";

constexpr const char* kFooter = R"(The configuration is looked for here, and the first file found is used:
  the file given with --config
  NAME.yaml in Courier's configuration directory (`courier-config` tells it; /etc/courier on Debian)
  /etc/NAME.yaml
  pythonfilter.conf in /etc, in /usr/local/etc, in Courier's configuration directory

Examples:
  filterctl start pythonfilter        under Courier: courierfilter starts it, and stops it
  pythonfilter check                  is the configuration good, and what is in force?
  pythonfilter check --config FILE    the same for a file that is not in its place yet
  pythonfilter --config FILE          serve in the foreground until SIGTERM or Ctrl-C
  kill -HUP PID                       read the configuration and the filters again

Under courierfilter (descriptors 0 and 3 are pipes) an unusable configuration does not end the server: it answers all
mail with a temporary refusal and reads the file again on SIGHUP and every minute.

Exit status:
  0   stopped when told to; check: the configuration is good
  1   something failed, the log says what
  64  the command line is wrong
  78  the configuration cannot be used
)";

std::string instance_of(const char* argv0) {
    const std::string path = argv0 ? argv0 : "";
    const std::string name = path.substr(path.rfind('/') + 1);
    return name.empty() ? "pythonfilter" : name;
}

// Relative names would be looked for in another directory after a change of directory.
std::string absolute_path(const std::string& path) {
    std::error_code error;
    const auto result = std::filesystem::absolute(path, error);
    return error ? path : result.string();
}

std::string not_empty(const std::string& text) { return text.empty() ? "expected the name of a file" : std::string(); }

// Help and version are "errors" of CLI11 too, with status 0.
int explain(const CLI::App& app, const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    std::cerr << "pythonfilter: " << error.what() << " (`pythonfilter --help` shows what can be said)\n";
    return kExitUsage;
}

}  // namespace

CommandLine parse_command_line(int argc, char** argv) {
    CommandLine result;
    result.instance = instance_of(argc > 0 ? argv[0] : nullptr);

    CLI::App app(kDescription, "pythonfilter");
    app.footer(kFooter);
    app.set_version_flag("--version", "pythonfilter " PYTHONFILTER_VERSION " (build " PYTHONFILTER_BUILD_ID ")");
    app.set_help_flag("--help,-h", "Show this and leave");
    app.fallthrough();  // so that --config may stand behind the command
    app.require_subcommand(0, 1);
    app.add_option("--config", result.config_file, "Read this file, no other")->type_name("FILE")->check(not_empty);
    bool master = false;
    rlim_t open_files = 0;
    std::string heritage;
    app.add_flag(kMasterOption, master)->group("");
    const CLI::Option* limit = app.add_option(kOpenFilesOption, open_files)->group("");
    app.add_option(kSuccessorOption, heritage)->group("");
    app.add_subcommand("serve", "Serve until told to stop; what is done without a command");
    const CLI::App* check =
        app.add_subcommand("check", "Read the configuration, say what is wrong with it or what is in force");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        result.exit_status = explain(app, error);
        return result;
    }
    if (master) result.action = CommandLine::Action::master_of_guardian;
    result.heritage = parse_heritage(heritage);
    if (result.heritage) result.action = CommandLine::Action::successor;
    if (check->parsed()) result.action = CommandLine::Action::check;
    if (limit->count() > 0) result.open_files = open_files;
    if (!result.config_file.empty()) result.config_file = absolute_path(result.config_file);
    return result;
}

}  // namespace pythonfilter
