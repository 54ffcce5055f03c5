#include "master/master_process.h"

#include "base/process.h"

#include <cassert>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace pythonfilter {
namespace {

constexpr int kAboveFixed = kMasterReadyFd + 1;
constexpr int kExitExecFailed = 127;

// In the child, between fork and exec: only what is safe there when the parent has threads.
[[noreturn]] void become_master(const char* path, char* const* arguments, int listen_fd, int ready_fd) {
    // First out of the way: one may have the number that the other shall get.
    const int listen_copy = fcntl(listen_fd, F_DUPFD_CLOEXEC, kAboveFixed);
    const int ready_copy = fcntl(ready_fd, F_DUPFD_CLOEXEC, kAboveFixed);
    if (dup2(listen_copy, kMasterListenFd) < 0 || dup2(ready_copy, kMasterReadyFd) < 0) _exit(kExitExecFailed);
    sigset_t none;  // the guardian blocks what it waits for
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    execv(path, arguments);
    execv("/proc/self/exe", arguments);  // the file is being replaced, or has gone
    _exit(kExitExecFailed);
}

std::vector<char*> pointers(std::vector<std::string>& arguments) {
    std::vector<char*> result;
    for (std::string& argument : arguments) result.push_back(argument.data());
    result.push_back(nullptr);
    return result;
}

}  // namespace

Status MasterProcess::start(int listen_fd) {
    assert(!running());
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return errno_error("pipe", errno);
    UniqueFd read_end(ends[0]);
    const UniqueFd write_end(ends[1]);
    fcntl(read_end.get(), F_SETFL, O_NONBLOCK);
    const std::vector<char*> arguments = pointers(program_.arguments);
    const pid_t pid = fork();
    if (pid < 0) return errno_error("fork", errno);
    if (pid == 0) become_master(program_.path.c_str(), arguments.data(), listen_fd, write_end.get());
    auto pidfd = open_pidfd(pid);
    if (!pidfd) {
        kill(pid, SIGKILL);
        waitpid(pid, nullptr, 0);  // it was killed: this ends at once
        return pidfd.error();
    }
    pid_ = pid;
    pidfd_ = std::move(*pidfd);
    ready_ = std::move(read_end);
    return Done{};
}

Status MasterProcess::adopt(pid_t pid) {
    assert(!running());
    auto pidfd = open_pidfd(pid);
    if (!pidfd) return pidfd.error();
    pid_ = pid;
    pidfd_ = std::move(*pidfd);
    return Done{};
}

void MasterProcess::signal(int number) {
    if (running()) signal_pidfd(pidfd_.get(), number);
}

std::optional<int> MasterProcess::reap() {
    int status = 0;
    if (!running() || waitpid(pid_, &status, WNOHANG) != pid_) return std::nullopt;
    pid_ = 0;
    pidfd_.reset();
    ready_.reset();
    return status;
}

bool MasterProcess::go_on_if_stopped() {
    siginfo_t info{};
    const bool stopped = running() && waitid(P_PID, static_cast<id_t>(pid_), &info, WSTOPPED | WNOHANG) == 0 &&
                         info.si_pid == pid_;
    if (stopped) signal(SIGCONT);
    return stopped;
}

MasterProcess::Ready MasterProcess::read_ready() {
    if (!ready_) return Ready::nothing_yet;
    char byte = 0;
    const ssize_t n = read(ready_.get(), &byte, 1);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return Ready::nothing_yet;
    ready_.reset();
    return n == 1 ? Ready::ready : Ready::closed;
}

}  // namespace pythonfilter
