#include "message/control_commands.h"

#include <algorithm>

namespace pythonfilter {
namespace {

constexpr std::string_view kLogLevels[] = {"debug", "info", "warning", "error"};

constexpr std::string_view kFormats[] = {"openmetrics", "prometheus"};

constexpr ControlCommand kCommands[] = {
    {.verb = ControlVerb::status, .name = "status", .brief = "What each pool and worker does now",
     .text = "Pools and workers: what each does now, since when, for which message; the queue; what is wrong.",
     .reads = true},
    {.verb = ControlVerb::stats, .name = "stats", .brief = "Numbers of messages since the start",
     .text = "Numbers since the start of the server: messages by verdict, and how often which failure policy was used.",
     .reads = true},
    {.verb = ControlVerb::filters, .name = "filters", .brief = "For each filter: runs, verdicts, failures, times",
     .text = "For each filter: runs, verdicts, failures, and how long it takes (mean, and what half and 99 of 100 "
             "runs stay within).",
     .reads = true},
    {.verb = ControlVerb::metrics, .name = "metrics", .brief = "All numbers, for a monitoring system",
     .text = "All numbers as text for Prometheus and its like: messages, filters, workers, queue, memory. "
             "`openmetrics` is what a scraper asks for; `prometheus` what promtool and the textfile collector of "
             "node_exporter read. With --into FILE the text replaces FILE in one step, and when the server does not "
             "answer the file says so.",
     .reads = true, .argument = "format", .argument_text = "openmetrics (the default, but for --into) or prometheus",
     .words = kFormats, .word_for_file = "prometheus"},
    {.verb = ControlVerb::reload, .name = "reload", .brief = "Read configuration and filters again",
     .text = "Reads the configuration and the filters again. Returns when the new workers serve, or with the reason "
             "why they were given up and the old ones stay."},
    {.verb = ControlVerb::drain, .name = "drain", .brief = "Take no new messages, until resume",
     .text = "No new messages: each is answered with a 4xx reply, so that its sender keeps it and tries again. Returns "
             "when no message is in work any more. Lasts until `resume` or a restart."},
    {.verb = ControlVerb::resume, .name = "resume", .brief = "The end of drain",
     .text = "The end of `drain`: messages are taken again."},
    {.verb = ControlVerb::stop, .name = "stop", .brief = "Stop the server",
     .text = "Stops the server, as its supervisor would; returns when it is done. With `on_stop: defer` Courier then "
             "defers all mail. Where courierfilter started it, `courierfilter stop; courierfilter start` starts it "
             "again."},
    {.verb = ControlVerb::recycle, .name = "recycle", .brief = "Replace workers by fresh ones",
     .text = "Replaces every worker by a fresh one, one at a time in each pool; an old one serves until the new one is "
             "ready. Returns at once.",
     .argument = "pool", .argument_text = "Only the workers of this pool"},
    {.verb = ControlVerb::trace, .name = "trace", .brief = "Where the filter of a worker is now, in Python",
     .text = "The Python traceback of a worker that runs a filter, or its init_filter, at this moment: all its "
             "threads, the innermost call first. The message goes on. Without a traceback the reason is told within "
             "half a second: no filter runs, or it is busy in C code, or has blocked the signal.",
     .argument = "worker", .argument_required = true,
     .argument_text = "As status names it, such as default/3; or its pid"},
    {.verb = ControlVerb::log_level, .name = "log-level", .brief = "From which level on the server logs",
     .text = "From which level on the server logs, until it is restarted. `info` is what it begins with; `warning` "
             "leaves out the lines about each message and what filters print.",
     .argument = "level", .argument_required = true, .argument_text = "debug, info, warning or error",
     .words = kLogLevels},
};

}  // namespace

std::span<const ControlCommand> control_commands() { return kCommands; }

const ControlCommand* find_control_command(std::string_view name) {
    const auto* found = std::find_if(std::begin(kCommands), std::end(kCommands),
                                     [&](const ControlCommand& command) { return command.name == name; });
    return found == std::end(kCommands) ? nullptr : found;
}

}  // namespace pythonfilter
