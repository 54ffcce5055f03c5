#include "ctl/command_line.h"

#include "build_id.h"
#include "ctl/exit_status.h"

#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <map>

namespace pythonfilter {
namespace {

constexpr const char* kDescription = "Asks a running pythonfilter what it does, and tells it what to do.";

constexpr const char* kFooter = R"(The server is found as it finds itself: through its configuration,
read from --config FILE or from the usual places of the server's name (`pythonfilter --help` lists them). That name is
this program's without "ctl" at its end. The socket NAME.control takes every command; NAME.monitor, tried when the
first is not for you, those that only look.

Examples:
  pythonfilterctl status                 what each worker does now
  pythonfilterctl reload && echo serves  the reason is printed when it does not
  pythonfilterctl --json filters         for programs
  pythonfilterctl metrics --into FILE    for node_exporter's textfile collector

Exit status:
  0   done; status: all is well
  1   it did not succeed, the reason is printed; status: it runs, but not all is well; trace: there is none
  64  the command line is wrong
  69  no server answers
  75  no answer in time
  77  not permitted
)";

constexpr int kQuick = 10;     // seconds
constexpr int kPatient = 600;  // for what waits for messages or workers

int default_timeout(ControlVerb verb) {
    const bool takes_long =
        verb == ControlVerb::reload || verb == ControlVerb::drain || verb == ControlVerb::stop;
    return takes_long ? kPatient : kQuick;
}

// pythonfilterctl -> pythonfilter
std::string instance_of(const char* argv0) {
    const std::string path = argv0 ? argv0 : "";
    std::string name = path.substr(path.rfind('/') + 1);
    if (name.size() > 3 && name.ends_with("ctl")) name.resize(name.size() - 3);
    return name.empty() ? "pythonfilter" : name;
}

std::string absolute_path(const std::string& path) {
    std::error_code error;
    const auto result = std::filesystem::absolute(path, error);
    return error ? path : result.string();
}

int explain(const CLI::App& app, const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    std::cerr << "pythonfilterctl: " << error.what() << " (`pythonfilterctl --help` shows what can be said)\n";
    return exit_usage;
}

constexpr LocalCommand kLocalCommands[] = {
    {LocalVerb::top, "top", "status, again and again",
     "The terminal shows `status` and shows it anew every second, until Ctrl-C."},
    {LocalVerb::doctor, "doctor", "Look for what is wrong between Courier and the filters",
     "Configuration, Courier's settings, sockets and their rights, the running server, the filters' files. Each "
     "finding comes with the command that mends it, and at the end stands what Courier would answer to a message now. "
     "Nothing is changed. To be run as root."},
    {LocalVerb::completion, "completion", "Print what bash needs to complete commands",
     "For a bash that has not found the installed file: eval \"$(pythonfilterctl completion)\""},
};

// CLI11 leaves lines as long as they are.
std::string wrapped(std::string_view text) {
    constexpr std::size_t kWidth = 100;
    std::string lines;
    for (; text.size() > kWidth; text.remove_prefix(text.find(' ') == 0 ? 1 : 0)) {
        const std::size_t end = text.rfind(' ', kWidth);
        if (end == std::string_view::npos) break;
        lines += std::string(text.substr(0, end)) + "\n";
        text.remove_prefix(end);
    }
    return lines + std::string(text);
}

struct Subcommands {
    std::map<const CLI::App*, const ControlCommand*> commands;
    std::map<const CLI::App*, const LocalCommand*> locals;
    std::string argument, into_file;  // of the one that is given
};

void add_commands(CLI::App& app, Subcommands& subcommands) {
    for (const ControlCommand& command : control_commands()) {
        CLI::App* added = app.add_subcommand(std::string(command.name), std::string(command.brief));
        added->footer(wrapped(command.text));
        subcommands.commands[added] = &command;
        if (command.argument.empty()) continue;
        CLI::Option* option = added->add_option(std::string(command.argument), subcommands.argument,
                                                std::string(command.argument_text));
        option->required(command.argument_required)->type_name("");
        if (!command.words.empty())
            option->check(CLI::IsMember(std::vector<std::string>(command.words.begin(), command.words.end())));
        if (!command.word_for_file.empty())
            added->add_option("--into", subcommands.into_file, "Replace this file")->type_name("FILE");
    }
    for (const LocalCommand& command : kLocalCommands) {
        CLI::App* added = app.add_subcommand(std::string(command.name), std::string(command.brief));
        added->footer(wrapped(command.text));
        subcommands.locals[added] = &command;
    }
}

// The rest of it, from what was given.
void fill_in(CtlCommandLine& line, const Subcommands& given, int timeout) {
    if (!line.config_file.empty()) line.config_file = absolute_path(line.config_file);
    const int usual = line.command ? default_timeout(line.command->verb) : kQuick;
    line.timeout = std::chrono::seconds(timeout > 0 ? timeout : usual);
    if (!line.command) return;
    line.request.command = line.command->name;
    line.into_file = given.into_file;
    std::string argument = given.argument;
    if (argument.empty() && !given.into_file.empty()) argument = line.command->word_for_file;
    if (!argument.empty()) line.request.arguments[std::string(line.command->argument)] = argument;
}

}  // namespace

std::span<const LocalCommand> local_commands() { return kLocalCommands; }

CtlCommandLine parse_ctl_command_line(int argc, char** argv) {
    CtlCommandLine line;
    line.instance = instance_of(argc > 0 ? argv[0] : nullptr);
    CLI::App app(kDescription, "pythonfilterctl");
    app.footer(kFooter);
    app.set_version_flag("--version", "pythonfilterctl " PYTHONFILTER_VERSION " (build " PYTHONFILTER_BUILD_ID ")");
    app.set_help_flag("--help,-h", "Show this and leave");
    app.fallthrough();
    app.require_subcommand(1, 1);
    int timeout = 0;
    app.add_option("--config", line.config_file, "The server's configuration file")->type_name("FILE");
    app.add_option("--name", line.instance, "The server's name: that of its socket and of its configuration file")
        ->type_name("NAME");
    app.add_option("--socket", line.socket, "Ask this socket, and read no configuration")->type_name("PATH");
    app.add_flag("--json", line.json, "Print what the server says, as JSON");
    app.add_option("--timeout", timeout, "Wait so long for the answer (10; reload, drain and stop: 600)")
        ->type_name("SECONDS")
        ->check(CLI::Range(1, 86400));
    Subcommands subcommands;
    add_commands(app, subcommands);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        line.exit_status = explain(app, error);
        return line;
    }
    const CLI::App* given = app.get_subcommands().front();
    const auto command = subcommands.commands.find(given);
    if (command != subcommands.commands.end()) line.command = command->second;
    else line.local = subcommands.locals.at(given);
    fill_in(line, subcommands, timeout);
    return line;
}

}  // namespace pythonfilter
