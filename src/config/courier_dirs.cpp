#include "config/courier_dirs.h"

#include "base/process.h"
#include "base/unique_fd.h"
#include "config/option_text.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace pythonfilter {
namespace {

constexpr std::size_t kMaxOutput = 64 * 1024;

// The child gets descriptors 0 to 2 only: courierfilter's fd 3 must not stay open in a program that hangs. It leads a
// process group of its own, so that a script is killed together with what it started.
Result<pid_t> spawn_courier_config(int output) {
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
    char name[] = "courier-config";
    char* arguments[] = {name, nullptr};
    pid_t pid = -1;
    const int error = posix_spawnp(&pid, name, &actions, &attributes, arguments, environ);
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
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return failed(errno_error("pipe", errno).text);
    const UniqueFd reading(ends[0]);
    UniqueFd writing(ends[1]);
    fcntl(reading.get(), F_SETFL, O_NONBLOCK);
    const Result<pid_t> child = spawn_courier_config(writing.get());
    writing.reset();
    if (!child) return failed(child.error().text);
    std::string output;
    const Result<UniqueFd> pidfd = open_pidfd(*child);
    const bool ended = pidfd && read_until_exit(reading.get(), pidfd->get(), limit, output);
    // The child has not been reaped, so its number, and that of its group, is still its own.
    if (!ended) kill(-*child, SIGKILL);
    int status = 0;
    while (waitpid(*child, &status, 0) < 0 && errno == EINTR) {
    }
    if (output.size() > kMaxOutput) return failed("more than 64 KiB of output");
    if (!ended) return failed("no complete answer within " + format_duration(limit));
    CourierConfigRun run = parse_courier_config(output);  // whatever its status: a wrapper may end with any
    if (status != 0 && !run.problem.empty()) run.problem += "; it ended with " + describe_wait_status(status);
    return run;
}

}  // namespace pythonfilter
