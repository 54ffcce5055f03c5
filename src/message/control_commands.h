// The commands of the control socket: ONE table with name, argument, paragraph and whether a command only reads. The
// server's dispatch, pythonfilterctl's command line, help and completion are made from it.
#pragma once

#include <span>
#include <string_view>

namespace pythonfilter {

enum class ControlVerb { status, stats, filters, metrics, reload, drain, resume, stop, recycle, trace, log_level };

struct ControlCommand {
    ControlVerb verb;
    std::string_view name;
    std::string_view brief;              // some words
    std::string_view text;               // one paragraph
    bool reads = false;                  // changes nothing: the read-only socket takes it too
    std::string_view argument = {};      // the one it takes, if any
    bool argument_required = false;
    std::string_view argument_text = {};
    std::span<const std::string_view> words = {};  // that the argument may be; empty: any
    std::string_view word_for_file = {};  // the answer can be written into a file: what the argument is then by default
};

std::span<const ControlCommand> control_commands();
/// nullptr when there is none of this name.
const ControlCommand* find_control_command(std::string_view name);

}  // namespace pythonfilter
