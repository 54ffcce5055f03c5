#include "ctl/top.h"

#include "ctl/ask.h"
#include "ctl/find_socket.h"
#include "ctl/print.h"
#include "message/server_status_codec.h"

#include <csignal>
#include <cstdio>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace pythonfilter {
namespace {

constexpr int kPauseMs = 1000;

volatile std::sig_atomic_t ended_by = 0;

void note_end(int signal) { ended_by = signal; }

// A change of size shows at once: the signal ends the pause.
void watch_signals() {
    struct sigaction action{};
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGWINCH}) {
        action.sa_handler = signal == SIGWINCH ? [](int) {} : note_end;
        sigaction(signal, &action, nullptr);
    }
}

// A screen of its own, so that what was there before is there again at the end.
class Screen {
public:
    Screen() {
        watch_signals();
        std::fputs("\033[?1049h\033[?25l", stdout);
    }
    ~Screen() {
        std::fputs("\033[?25h\033[?1049l", stdout);
        std::fflush(stdout);
    }
    Screen(const Screen&) = delete;
    Screen& operator=(const Screen&) = delete;

    static bool show(const Lines& lines) {
        winsize size{};
        if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0) size = {24, 80, 0, 0};
        return std::fputs(screen_text(lines, size.ws_col, size.ws_row).c_str(), stdout) >= 0 &&
               std::fflush(stdout) == 0;
    }
};

Lines frame_lines(const Asked& asked) {
    if (asked.status != exit_ok) return {{LineKind::warning, asked.problem}};
    const auto status = status_from_json(asked.result);
    return status ? to_lines(*status) : Lines{{LineKind::warning, "the server is of another version"}};
}

int tell(const Asked& asked) {
    std::fprintf(stderr, "pythonfilterctl: top: %s\n", asked.problem.c_str());
    return asked.status;
}

// A server that is restarted in between is waited for.
int watch(const ControlPaths& found, Asked asked, Duration timeout) {
    const Screen screen;
    while (ended_by == 0 && Screen::show(frame_lines(asked))) {
        poll(nullptr, 0, kPauseMs);
        if (ended_by == 0) asked = ask(found.paths, {"status", {}}, timeout);
    }
    return ended_by == 0 ? exit_failed : exit_ok;
}

int print_again_and_again(const ControlPaths& found, Asked asked, Duration timeout) {
    while (asked.status == exit_ok) {
        if (std::printf("%s\n", joined(frame_lines(asked)).c_str()) < 0 || std::fflush(stdout) != 0) return exit_failed;
        poll(nullptr, 0, kPauseMs);
        asked = ask(found.paths, {"status", {}}, timeout);
    }
    return tell(asked);
}

}  // namespace

int top(const CtlCommandLine& line) {
    const ControlPaths found = find_control_paths(line);
    Asked first = ask(found.paths, {"status", {}}, line.timeout);
    if (first.status != exit_ok) return tell(first);
    if (isatty(STDOUT_FILENO) != 1) return print_again_and_again(found, std::move(first), line.timeout);
    const int status = watch(found, std::move(first), line.timeout);
    if (ended_by == 0) return status;
    std::signal(ended_by, SIG_DFL);
    std::raise(ended_by);  // so that whoever started it sees what ended it
    return status;
}

}  // namespace pythonfilter
