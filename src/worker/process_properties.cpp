#include "worker/process_properties.h"

#include "base/unique_fd.h"
#include "worker/python_object.h"

#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <map>
#include <memory>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

namespace pythonfilter {
namespace {

template <class T>
std::string as_bytes(const T& value) {
    return {reinterpret_cast<const char*>(&value), sizeof value};
}

template <class T>
T from_bytes(const std::string& bytes) {
    T value{};
    std::memcpy(&value, bytes.data(), std::min(sizeof value, bytes.size()));
    return value;
}

// ---- timers: armed or not; the rest of the time changes by itself

constexpr std::array<__itimer_which_t, 3> kTimers{ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF};

template <std::size_t first, std::size_t end>
std::string read_timers() {
    std::string armed;
    for (std::size_t i = first; i < end; ++i) {
        const auto which = kTimers[i];
        itimerval timer{};
        getitimer(which, &timer);
        armed += timer.it_value.tv_sec != 0 || timer.it_value.tv_usec != 0 ? '1' : '0';
    }
    return armed;
}

template <std::size_t first>
bool disarm_timers(const std::string& wanted) {
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        const itimerval none{};
        if (wanted[i] == '0') setitimer(kTimers[first + i], &none, nullptr);
    }
    return true;  // one of init_filter that a message has switched off is that filter's own business
}

std::string describe_timers(const std::string&, const std::string& value) {
    return value.find('1') == std::string::npos ? "switched off" : "left running";
}

// ---- signals

std::string read_mask() {
    sigset_t mask{};  // the kernel fills only its part
    pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    return as_bytes(mask).substr(0, 8);
}

bool restore_mask(const std::string& wanted) {
    const auto mask = from_bytes<sigset_t>(wanted);
    return pthread_sigmask(SIG_SETMASK, &mask, nullptr) == 0;
}

std::string signal_name(int signal) {
    const char* name = sigabbrev_np(signal);
    return name ? std::string("SIG") + name : "signal " + std::to_string(signal);
}

template <class Differs>
std::string list_signals(Differs differs) {
    std::string names;
    for (int signal = 1; signal < NSIG; ++signal) {
        if (differs(signal)) names += (names.empty() ? "" : ", ") + signal_name(signal);
    }
    return names;
}

std::string describe_mask(const std::string& wanted, const std::string& value) {
    const auto before = from_bytes<sigset_t>(wanted), after = from_bytes<sigset_t>(value);
    return list_signals([&](int signal) { return sigismember(&before, signal) != sigismember(&after, signal); });
}

using Handlers = std::array<void*, NSIG>;

std::string read_handlers() {
    Handlers handlers{};
    for (int signal = 1; signal < NSIG; ++signal) {
        struct sigaction action{};
        sigaction(signal, nullptr, &action);
        handlers[static_cast<std::size_t>(signal)] = reinterpret_cast<void*>(action.sa_handler);
    }
    return as_bytes(handlers);
}

std::string describe_handlers(const std::string& wanted, const std::string& value) {
    const auto before = from_bytes<Handlers>(wanted), after = from_bytes<Handlers>(value);
    return list_signals([&](int signal) {
        const auto index = static_cast<std::size_t>(signal);
        return before[index] != after[index];
    });
}

// Python keeps a table of its own, which signal.getsignal() answers from.
struct SavedHandlers {
    std::array<struct sigaction, NSIG> actions{};
    std::array<PyObj, NSIG> python;

    SavedHandlers() {
        const PyObj module = steal(PyImport_ImportModule("_signal"));
        for (int signal = 1; signal < NSIG; ++signal) {
            const auto index = static_cast<std::size_t>(signal);
            sigaction(signal, nullptr, &actions[index]);
            if (module) python[index] = steal(PyObject_CallMethod(module.ptr(), "getsignal", "i", signal));
            PyErr_Clear();
        }
    }

    bool restore(const std::string& wanted) const {
        const auto before = from_bytes<Handlers>(wanted), now = from_bytes<Handlers>(read_handlers());
        const PyObj module = steal(PyImport_ImportModule("_signal"));
        for (int signal = 1; signal < NSIG; ++signal) {
            const auto index = static_cast<std::size_t>(signal);
            if (before[index] == now[index]) continue;
            if (module && python[index] && !python[index].is_none())
                steal(PyObject_CallMethod(module.ptr(), "signal", "iO", signal, python[index].ptr()));
            PyErr_Clear();
            sigaction(signal, &actions[index], nullptr);
        }
        return read_handlers() == wanted;
    }
};

// ---- umask, directory, group

// Threads of a filter may create a file in between: nobody else may read it then.
std::string read_umask() {
    const mode_t mask = umask(077);
    umask(mask);
    char text[8];
    std::snprintf(text, sizeof text, "%03o", static_cast<unsigned>(mask));
    return text;
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
    const auto handlers = std::make_shared<SavedHandlers>();
    const auto restore_handlers = [handlers](const std::string& wanted) { return handlers->restore(wanted); };
    return {
        {"an alarm timer", true, read_timers<0, 1>, disarm_timers<0>, describe_timers},
        {"a timer of CPU time", false, read_timers<1, kTimers.size()>, disarm_timers<1>, describe_timers},
        {"the signal mask", true, read_mask, restore_mask, describe_mask},
        {"the umask", true, read_umask, restore_umask, from_to},
        {"the working directory", true, read_directory, restore_directory, from_to},
        {"the process group", false, read_group, restore_group, from_to},
        {"signal handlers", false, read_handlers, restore_handlers, describe_handlers},
        {"resource limits", false, read_limits, restore_limits, describe_limits},
        {"the nice value", false, read_nice, restore_nice, from_to, true},
        {"the death signal", false, read_death_signal, restore_death_signal, from_to},
        {"the subreaper flag", false, read_subreaper, restore_subreaper, from_to},
    };
}

long count_threads() {
    struct stat info{};
    return stat("/proc/self/task", &info) == 0 ? static_cast<long>(info.st_nlink) - 2 : 0;
}

long lowest_free_descriptor() {
    const UniqueFd fd(fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0));
    if (fd) return fd.get();
    rlimit limit{};
    return errno == EMFILE && getrlimit(RLIMIT_NOFILE, &limit) == 0 ? static_cast<long>(limit.rlim_cur) : 0;
}

}  // namespace pythonfilter
