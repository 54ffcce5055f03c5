#include "master/run_master.h"

#include "base/log_sink.h"
#include "master/privileges.h"
#include "master/reporter.h"
#include "master/server.h"

#include <unistd.h>

namespace pythonfilter {
namespace {

void log_errors(const Error& error) {
    LogSink log(STDERR_FILENO);
    report_lines(Reporter([&](LogLevel level, const std::string& text, const LogFields&) { log.line(level, text); }),
                 LogLevel::error, "configuration: ", error.text);
    log.flush_for(500);
}

}  // namespace

int run_master(MasterOptions options) {
    forbid_dumps();
    auto config = load_config(options.config);
    if (!config) {
        log_errors(config.error());
        return kExitConfig;
    }
    Server server(std::move(options), std::move(*config));
    return server.run();
}

}  // namespace pythonfilter
