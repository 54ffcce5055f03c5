#include "ctl/top.h"

#include "ctl/ask.h"
#include "ctl/find_socket.h"
#include "ctl/print.h"
#include "message/server_status_codec.h"

#include <cstdio>
#include <poll.h>
#include <unistd.h>

namespace pythonfilter {
namespace {

constexpr int kPauseMs = 1000;
constexpr const char* kClear = "\033[H\033[J";

std::string frame_text(const Asked& asked) {
    if (asked.status != exit_ok) return asked.problem + "\n";
    const auto status = status_from_json(asked.result);
    return status ? to_text(*status) : "the server is of another version\n";
}

}  // namespace

// A server that is restarted in between is waited for.
int top(const CtlCommandLine& line) {
    const ControlPaths found = find_control_paths(line);
    const bool terminal = isatty(STDOUT_FILENO) == 1;
    for (bool first = true;; first = false) {
        const Asked asked = ask(found.paths, {"status", {}}, line.timeout);
        if (asked.status != exit_ok && (first || !terminal)) {
            std::fprintf(stderr, "pythonfilterctl: top: %s\n", asked.problem.c_str());
            return asked.status;
        }
        if (std::printf("%s%s\n", terminal ? kClear : "", frame_text(asked).c_str()) < 0) return exit_failed;
        if (std::fflush(stdout) != 0) return exit_failed;
        poll(nullptr, 0, kPauseMs);
    }
}

}  // namespace pythonfilter
