#include "worker/process_properties.h"

#include "base/unique_fd.h"
#include "worker/value_bytes.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace pythonfilter {
namespace {

// ---- umask, directory, group

// Threads of a filter may create a file in between: nobody else may read it then. The kernel is asked directly, so that
// nobody takes this for a filter's call (changing_calls.h).
std::string read_umask() {
    const auto mask = static_cast<mode_t>(syscall(SYS_umask, 077));
    syscall(SYS_umask, mask);
    const auto digit = [mask](int shift) { return static_cast<char>('0' + ((mask >> shift) & 7)); };
    return {digit(6), digit(3), digit(0)};
}

bool restore_umask(const std::string& wanted) {
    umask(static_cast<mode_t>(std::strtoul(wanted.c_str(), nullptr, 8)));
    return true;
}

std::string read_directory() {
    char path[PATH_MAX];
    return getcwd(path, sizeof path) != nullptr ? path : "deleted";
}

bool restore_directory(const std::string& wanted) { return chdir(wanted.c_str()) == 0; }

std::string read_group() { return std::to_string(getpgrp()); }

bool restore_group(const std::string& wanted) { return setpgid(0, std::atoi(wanted.c_str())) == 0; }

// ---- limits and the like

// Not the limit on CPU time, which a pool may set anew for each message.
constexpr std::array<__rlimit_resource, 5> kLimits{RLIMIT_NOFILE, RLIMIT_AS, RLIMIT_FSIZE, RLIMIT_CORE, RLIMIT_STACK};
using Limits = std::array<rlimit, kLimits.size()>;

std::string read_limits() {
    Limits limits{};
    for (std::size_t i = 0; i < kLimits.size(); ++i) getrlimit(kLimits[i], &limits[i]);
    return as_bytes(limits);
}

bool restore_limits(const std::string& wanted) {
    const auto limits = from_bytes<Limits>(wanted);
    bool done = true;
    for (std::size_t i = 0; i < kLimits.size(); ++i) done = setrlimit(kLimits[i], &limits[i]) == 0 && done;
    return done;
}

std::string describe_limits(const std::string& wanted, const std::string& value) {
    static constexpr std::array<const char*, kLimits.size()> kNames{"open files", "address space", "file size", "core",
                                                                    "stack"};
    const auto before = from_bytes<Limits>(wanted), after = from_bytes<Limits>(value);
    std::string names;
    for (std::size_t i = 0; i < kLimits.size(); ++i) {
        if (as_bytes(before[i]) != as_bytes(after[i])) names += (names.empty() ? "" : ", ") + std::string(kNames[i]);
    }
    return names;
}

std::string read_nice() { return std::to_string(getpriority(PRIO_PROCESS, 0)); }

bool restore_nice(const std::string& wanted) { return setpriority(PRIO_PROCESS, 0, std::atoi(wanted.c_str())) == 0; }

std::string read_death_signal() {
    int signal = 0;
    prctl(PR_GET_PDEATHSIG, &signal);
    return std::to_string(signal);
}

bool restore_death_signal(const std::string& wanted) { return prctl(PR_SET_PDEATHSIG, std::atoi(wanted.c_str())) == 0; }

std::string read_subreaper() {
    int on = 0;
    prctl(PR_GET_CHILD_SUBREAPER, &on);
    return std::to_string(on);
}

bool restore_subreaper(const std::string& wanted) {
    return prctl(PR_SET_CHILD_SUBREAPER, std::atoi(wanted.c_str())) == 0;
}

}  // namespace

std::vector<Property> process_properties() {
    return {
        {"the umask", Look::called, read_umask, restore_umask, from_to},
        {"the working directory", Look::called, read_directory, restore_directory, from_to},
        {"the process group", Look::called, read_group, restore_group, from_to},
        {"resource limits", Look::called, read_limits, restore_limits, describe_limits},
        {"the nice value", Look::called, read_nice, restore_nice, from_to, true},
        {"the death signal", Look::called, read_death_signal, restore_death_signal, from_to},
        {"the subreaper flag", Look::called, read_subreaper, restore_subreaper, from_to},
    };
}

long count_threads() {
    struct stat info{};
    return stat("/proc/self/task", &info) == 0 ? static_cast<long>(info.st_nlink) - 2 : 0;
}

std::size_t wanted_address_space() {
    rlimit limit{};
    if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return 0;
    const std::size_t wanted = limit.rlim_cur / 8;
    return has_address_space(wanted) ? wanted : 0;
}

bool has_address_space(std::size_t bytes) {
    void* const place = mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (place == MAP_FAILED) return false;
    munmap(place, bytes);
    return true;
}

long lowest_free_descriptor() {
    const UniqueFd fd(fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0));
    if (fd) return fd.get();
    rlimit limit{};
    return errno == EMFILE && getrlimit(RLIMIT_NOFILE, &limit) == 0 ? static_cast<long>(limit.rlim_cur) : 0;
}

bool is_still_free(long free) {
    const int number = static_cast<int>(free);
    pollfd entries[] = {{STDIN_FILENO, 0, 0}, {STDOUT_FILENO, 0, 0}, {STDERR_FILENO, 0, 0}, {number, 0, 0}};
    if (poll(entries, std::size(entries), 0) < 1) return false;
    const auto is_closed = [](const pollfd& entry) { return (entry.revents & POLLNVAL) != 0; };
    return is_closed(entries[3]) && std::none_of(entries, entries + 3, is_closed);
}

}  // namespace pythonfilter
