#include "base/process.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <filesystem>
#include <memory>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace pythonfilter {

Result<UniqueFd> open_pidfd(pid_t child) {
    UniqueFd fd(static_cast<int>(syscall(SYS_pidfd_open, child, 0)));
    if (!fd) return errno_error("pidfd_open " + std::to_string(child), errno);
    return fd;
}

bool signal_pidfd(int pidfd, int signal) { return syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0) == 0; }

bool set_parent_death_signal(int signal, pid_t expected_parent) {
    prctl(PR_SET_PDEATHSIG, signal);
    return getppid() == expected_parent;  // it may have died before the call above
}

void become_subreaper() { prctl(PR_SET_CHILD_SUBREAPER, 1); }

std::vector<pid_t> list_children() { return read_pids("/proc/thread-self/children"); }

std::vector<pid_t> read_pids(const std::string& path) {
    std::vector<pid_t> pids;
    const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) return pids;
    std::string text;
    char chunk[4096];
    for (ssize_t n; (n = read(fd.get(), chunk, sizeof chunk)) > 0;) text.append(chunk, static_cast<std::size_t>(n));
    for (const char* at = text.c_str(); *at != '\0';) {
        char* end = nullptr;
        const long pid = std::strtol(at, &end, 10);
        if (end == at) break;
        pids.push_back(static_cast<pid_t>(pid));
        at = end + std::strspn(end, " \n");
    }
    return pids;
}

std::optional<std::int64_t> resident_bytes(pid_t pid) {
    const UniqueFd file(open(("/proc/" + std::to_string(pid) + "/statm").c_str(), O_RDONLY | O_CLOEXEC));
    char text[128] = {};
    if (!file || read(file.get(), text, sizeof text - 1) <= 0) return std::nullopt;
    long long total = 0;
    long long resident = 0;
    if (std::sscanf(text, "%lld %lld", &total, &resident) != 2) return std::nullopt;
    return resident * sysconf(_SC_PAGESIZE);
}

std::optional<int> count_descriptors(pid_t pid, int enough) {
    const std::unique_ptr<DIR, int (*)(DIR*)> directory(opendir(("/proc/" + std::to_string(pid) + "/fd").c_str()),
                                                        closedir);
    if (!directory) return std::nullopt;
    int count = 0;
    while (count < enough) {
        const dirent* entry = readdir(directory.get());
        if (!entry) break;
        if (entry->d_name[0] != '.') ++count;
    }
    return count;
}

std::string describe_wait_status(int wait_status) {
    if (WIFEXITED(wait_status)) return "exit status " + std::to_string(WEXITSTATUS(wait_status));
    if (!WIFSIGNALED(wait_status)) return "wait status " + std::to_string(wait_status);
    const int signal = WTERMSIG(wait_status);
    const char* name = sigabbrev_np(signal);
    return "signal " + std::to_string(signal) + (name ? " (SIG" + std::string(name) + ")" : std::string());
}

void reset_signals() {
    struct sigaction action{};
    action.sa_handler = SIG_DFL;
    for (int signal = 1; signal < NSIG; ++signal) sigaction(signal, &action, nullptr);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
}

std::string installation_prefix() {
    std::error_code error;
    const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
    return program.parent_path().parent_path().string();
}

}  // namespace pythonfilter
