#include "base/run_program.h"

#include "base/process.h"
#include "base/unique_fd.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace pythonfilter {
namespace {

constexpr std::size_t kMaxOutput = 64 * 1024;

// The child gets descriptors 0 to 2 only: courierfilter's fd 3 must not stay open in a program that hangs. It leads a
// process group of its own, so that a script is killed together with what it started.
Result<pid_t> spawn(const std::vector<std::string>& words, int output) {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, output, 1);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    std::vector<char*> arguments;
    for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    pid_t pid = -1;
    const int error = posix_spawnp(&pid, arguments[0], &actions, &attributes, arguments.data(), environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) return errno_error("cannot be started", error);
    return pid;
}

// Reads what is there. False at the end of the output.
bool read_some(int fd, std::string& output) {
    char buffer[4096];
    const ssize_t n = read(fd, buffer, sizeof buffer);
    if (n > 0) output.append(buffer, static_cast<std::size_t>(n));
    if (output.size() > kMaxOutput) return false;
    return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

// Until the child has ended: the end of its output alone would not do, because something that it left behind may hold
// the pipe. False when the time is over before that.
bool read_until_exit(int pipe, int pidfd, Duration limit, std::string& output) {
    const TimePoint deadline = Clock::now() + limit;
    bool open = true;
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
        if (left <= 0) return false;
        pollfd fds[2] = {{pidfd, POLLIN, 0}, {open ? pipe : -1, POLLIN, 0}};
        if (poll(fds, 2, static_cast<int>(std::min<std::int64_t>(left, 60'000))) < 0 && errno != EINTR) return false;
        if (fds[1].revents != 0) open = read_some(pipe, output);
        else if (fds[0].revents != 0) return true;  // ended, and nothing is left in the pipe
        else continue;
        if (output.size() > kMaxOutput) return false;
    }
}

std::string limit_text(Duration limit) {
    return limit % 1s == 0s ? std::to_string(limit / 1s) + "s" : std::to_string(limit / 1ms) + "ms";
}

}  // namespace

Result<ProgramRun> run_program(const std::vector<std::string>& words, Duration limit) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return errno_error("pipe", errno);
    const UniqueFd reading(ends[0]);
    UniqueFd writing(ends[1]);
    fcntl(reading.get(), F_SETFL, O_NONBLOCK);
    const Result<pid_t> child = spawn(words, writing.get());
    writing.reset();
    if (!child) return child.error();
    ProgramRun run;
    const Result<UniqueFd> pidfd = open_pidfd(*child);
    const bool ended = pidfd && read_until_exit(reading.get(), pidfd->get(), limit, run.output);
    // The child has not been reaped, so its number, and that of its group, is still its own.
    if (!ended) kill(-*child, SIGKILL);
    while (waitpid(*child, &run.status, 0) < 0 && errno == EINTR) {
    }
    if (run.output.size() > kMaxOutput) return Error{"more than 64 KiB of output"};
    if (!ended) return Error{"no complete answer within " + limit_text(limit)};
    return run;
}

}  // namespace pythonfilter
