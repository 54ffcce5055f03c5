#include "config/courier_dirs.h"

#include "base/process.h"
#include "base/run_program.h"
#include "config/option_table.h"
#include "config/option_text.h"

#include <algorithm>

namespace pythonfilter {
namespace {

CourierConfigRun failed(const std::string& problem) {
    return {{}, "courier-config: " + problem + "; using built-in directories"};
}

// What stands behind NAME= in the last line that begins so, without blanks around it. Empty when there is none.
std::string_view value_of(std::string_view name, std::string_view output) {
    constexpr std::string_view kBlanks = " \t\r";
    std::string_view value;
    while (!output.empty()) {
        const std::size_t end = std::min(output.find('\n'), output.size());
        const std::string_view line = output.substr(0, end);
        output.remove_prefix(std::min(end + 1, output.size()));
        if (!line.starts_with(name) || line.substr(name.size(), 1) != "=") continue;
        value = line.substr(name.size() + 1);
        value.remove_prefix(std::min(value.find_first_not_of(kBlanks), value.size()));
        value = value.substr(0, value.find_last_not_of(kBlanks) + 1);
    }
    return value;
}

}  // namespace

CourierConfigRun parse_courier_config(std::string_view output) {
    CourierConfigRun run;
    std::string unusable;
    for (const Option& option : courier_section().options) {
        std::string& member = *std::get<std::string*>(option.slot(&run.dirs));
        const std::string_view value = value_of(option.key, output);
        if (plausible_text(option.rule, value)) member = value;
        else unusable += (unusable.empty() ? "" : ", ") + std::string(option.key) + " (using " + member + ")";
    }
    if (!unusable.empty()) run.problem = "courier-config: no usable value for " + unusable;
    return run;
}

CourierConfigRun run_courier_config(Duration limit) {
    const auto program = run_program({"courier-config"}, limit);
    if (!program) return failed(program.error().text);
    CourierConfigRun run = parse_courier_config(program->output);  // whatever its status: a wrapper may end with any
    if (program->status != 0 && !run.problem.empty())
        run.problem += "; it ended with " + describe_wait_status(program->status);
    return run;
}

}  // namespace pythonfilter
