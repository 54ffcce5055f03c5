// pythonfilterctl: one command to a running server, and its answer.
#include "ctl/ask.h"
#include "ctl/command_line.h"
#include "ctl/completion.h"
#include "ctl/doctor.h"
#include "ctl/find_socket.h"
#include "ctl/print.h"
#include "ctl/replace_file.h"
#include "ctl/top.h"
#include "message/metrics.h"
#include "message/server_status_codec.h"

#include <cstdio>

namespace pythonfilter {
namespace {

// Whoever answers at the socket, the terminal does not obey.
std::string printable(std::string text) {
    for (char& c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if ((byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7f) c = '?';
    }
    return text;
}

// Of an answer that makes no sense to us: as it came.
template <class T>
std::string text_or_json(const std::optional<T>& value, const Json& json) {
    return value ? to_text(*value) : indented(json);
}

std::string metrics_of(const Json& result) {
    const auto text = result.find("text");
    return text != result.end() && text->is_string() ? text->get<std::string>() : indented(result);
}

std::string answer_text(ControlVerb verb, const Json& result) {
    switch (verb) {
        case ControlVerb::status: return text_or_json(status_from_json(result), result);
        case ControlVerb::stats: return text_or_json(stats_from_json(result), result);
        case ControlVerb::trace: return text_or_json(trace_from_json(result), result);
        case ControlVerb::filters: return text_or_json(filters_from_json(result), result);
        case ControlVerb::metrics: return metrics_of(result);
        default: return {};  // done; nothing to tell
    }
}

int exit_status(ControlVerb verb, const Json& result) {
    if (verb == ControlVerb::status) {
        const auto status = status_from_json(result);
        return status && status->healthy() ? exit_ok : exit_failed;
    }
    if (verb == ControlVerb::trace) {
        const auto trace = trace_from_json(result);
        return trace && trace->missing.empty() ? exit_ok : exit_failed;
    }
    return exit_ok;
}

int tell_problem(const CtlCommandLine& line, const ControlPaths& found, const Asked& asked) {
    if (line.json) {
        const Json json{{"ok", false}, {"error", asked.problem}, {"exit_status", static_cast<int>(asked.status)}};
        std::fputs(indented(json).c_str(), stdout);
    } else {
        std::fprintf(stderr, "pythonfilterctl: %s: %s\n", line.request.command.c_str(),
                     printable(asked.problem).c_str());
    }
    const bool looked_wrong = asked.status == exit_no_server && !found.problem.empty();
    if (looked_wrong) std::fprintf(stderr, "pythonfilterctl: %s\n", found.problem.c_str());
    return asked.status;
}

// A server that does not answer is told of there as well: whoever reads the file does not see what this program says.
int write_into_file(const CtlCommandLine& line, const Asked& asked) {
    if (asked.status != exit_ok && asked.status != exit_no_server && asked.status != exit_no_answer) return exit_ok;
    const auto format = metrics_format(line.request.arguments.begin()->second).value_or(MetricsFormat::prometheus);
    const Status done = replace_file(line.into_file, asked.status == exit_ok ? metrics_of(asked.result)
                                                                             : metrics_text_of_no_server(format));
    if (done) return exit_ok;
    std::fprintf(stderr, "pythonfilterctl: --into: %s\n", done.error().text.c_str());
    return exit_failed;
}

int run_here(const CtlCommandLine& line) {
    switch (line.local->verb) {
        case LocalVerb::top: return top(line);
        case LocalVerb::doctor: return doctor(line);
        case LocalVerb::completion: return std::fputs(bash_completion().c_str(), stdout) < 0 ? exit_failed : exit_ok;
    }
    return exit_usage;
}

int run(const CtlCommandLine& line) {
    if (line.local) return run_here(line);
    const ControlPaths found = find_control_paths(line);
    const Asked asked = ask(found.paths, line.request, line.timeout);
    const int written = line.into_file.empty() ? exit_ok : write_into_file(line, asked);
    if (asked.status != exit_ok) return tell_problem(line, found, asked);
    if (!line.into_file.empty()) return written;
    const ControlVerb verb = line.command->verb;
    const std::string text = line.json ? indented(asked.result) : printable(answer_text(verb, asked.result));
    std::fputs(text.c_str(), stdout);
    if (std::fflush(stdout) != 0) return exit_failed;
    return exit_status(verb, asked.result);
}

}  // namespace
}  // namespace pythonfilter

int main(int argc, char** argv) {
    const pythonfilter::CtlCommandLine line = pythonfilter::parse_ctl_command_line(argc, argv);
    return line.exit_status ? *line.exit_status : pythonfilter::run(line);
}
