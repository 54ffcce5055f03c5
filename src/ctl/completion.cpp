#include "ctl/completion.h"

#include "ctl/command_line.h"

namespace pythonfilter {
namespace {

constexpr const char* kOptions = "--config --name --socket --json --timeout --help --version";

std::string names(const char* separator) {
    std::string text;
    const auto add = [&](std::string_view name) { text += (text.empty() ? "" : separator) + std::string(name); };
    for (const ControlCommand& command : control_commands()) add(command.name);
    for (const LocalCommand& command : local_commands()) add(command.name);
    return text;
}

std::string cases_of_words() {
    std::string text;
    for (const ControlCommand& command : control_commands()) {
        if (command.words.empty()) continue;
        text += "        " + std::string(command.name) + ") words=\"";
        for (const std::string_view word : command.words) text += std::string(word) + " ";
        if (!command.word_for_file.empty()) text += "--into ";
        text += "--help\" ;;\n";
    }
    return text;
}

}  // namespace

std::string bash_completion() {
    return "# Completion of pythonfilterctl for bash.\n"
           "_pythonfilterctl() {\n"
           "    local word command= words=\n"
           "    for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
           "        case $word in\n"
           "        " + names("|") + ") command=$word ;;\n"
           "        esac\n"
           "    done\n"
           "    case ${COMP_WORDS[COMP_CWORD-1]} in\n"
           "        --config|--socket|--into)\n"
           "            mapfile -t COMPREPLY < <(compgen -f -- \"${COMP_WORDS[COMP_CWORD]}\")\n"
           "            return ;;\n"
           "        --name|--timeout) return ;;\n"
           "    esac\n"
           "    case $command in\n"
           "        '') words=\"" + names(" ") + " " + kOptions + "\" ;;\n" + cases_of_words() +
           "        *) words=\"" + kOptions + "\" ;;\n"
           "    esac\n"
           "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\")\n"
           "}\n"
           "complete -F _pythonfilterctl pythonfilterctl\n";
}

}  // namespace pythonfilter
