#include "worker/changing_calls.h"

#include <algorithm>
#include <clocale>
#include <csignal>
#include <cstdarg>
#include <cstddef>
#include <cstdlib>
#include <dlfcn.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

namespace pythonfilter {
namespace {

// Not a std::atomic: its functions are shared with files that may have been made for a sanitizer (meson.build).
bool called = false, on_descriptor = false;

void note(bool& flag) { __atomic_store_n(&flag, true, __ATOMIC_RELAXED); }
bool take(bool& flag) {
    return __atomic_load_n(&flag, __ATOMIC_RELAXED) && __atomic_exchange_n(&flag, false, __ATOMIC_RELAXED);
}

template <std::size_t size>
struct Name {
    char text[size];
    consteval Name(const char (&name)[size]) { std::copy_n(name, size, text); }
};

// The function of this name in the C library. Found before main(), not at the first call: a child of fork() must not
// wait for the linker's lock, which another thread may have held. Libraries that start earlier do not fork.
template <Name name, class Function>
struct Next {
    static Function* find() { return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name.text)); }
    static inline Function* const found = find();
};

template <Name name, class Result, class... Arguments>
Result next(Arguments... arguments) {
    using Found = Next<name, Result(Arguments...)>;
    return (Found::found ? Found::found : Found::find())(arguments...);
}

// Before the call and behind it: a look that another thread takes in between has forgotten it, and saw nothing.
class Noted {
public:
    explicit Noted(bool changes) : changes_(changes) { note_change(); }
    ~Noted() { note_change(); }
    Noted(const Noted&) = delete;
    Noted& operator=(const Noted&) = delete;

private:
    void note_change() const {
        if (changes_) note(called);
    }

    bool changes_;
};

template <Name name, class Result, class... Arguments>
Result pass_on(bool changes, Arguments... arguments) {
    const Noted noted(changes);
    return next<name, Result>(arguments...);
}

// To a function that does something to a descriptor.
template <Name name, class Result, class... Arguments>
Result pass_down(bool changes, Arguments... arguments) {
    note(on_descriptor);
    return pass_on<name, Result>(changes, arguments...);
}

}  // namespace

bool take_changing_calls() { return take(called); }
bool take_descriptor_calls() { return take(on_descriptor); }

}  // namespace pythonfilter

using pythonfilter::pass_on;
using pythonfilter::pass_down;

// Exported, so that libraries get these instead of the C library's. A call that only asks for the present value is not
// noted.
#pragma GCC visibility push(default)
extern "C" {

unsigned alarm(unsigned seconds) noexcept { return pass_on<"alarm", unsigned>(true, seconds); }

int chdir(const char* path) noexcept { return pass_on<"chdir", int>(true, path); }

int chroot(const char* path) noexcept { return pass_on<"chroot", int>(true, path); }

int clearenv() noexcept { return pass_on<"clearenv", int>(true); }

int close(int fd) { return pass_down<"close", int>(fd <= STDERR_FILENO, fd); }

int close_range(unsigned first, unsigned last, int flags) noexcept {
    return pass_down<"close_range", int>(first <= STDERR_FILENO, first, last, flags);
}

void closefrom(int first) noexcept { pass_down<"closefrom", void>(first <= STDERR_FILENO, first); }

int dup2(int from, int to) noexcept { return pass_down<"dup2", int>(to <= STDERR_FILENO, from, to); }

int dup3(int from, int to, int flags) noexcept { return pass_down<"dup3", int>(to <= STDERR_FILENO, from, to, flags); }

int fchdir(int fd) noexcept { return pass_on<"fchdir", int>(true, fd); }

int nice(int more) noexcept { return pass_on<"nice", int>(true, more); }

int prctl(int option, ...) noexcept {
    va_list list;
    va_start(list, option);
    unsigned long values[4];
    for (unsigned long& value : values) value = va_arg(list, unsigned long);
    va_end(list);
    const bool changes = option == PR_SET_PDEATHSIG || option == PR_SET_CHILD_SUBREAPER;
    return pass_on<"prctl", int>(changes, option, values[0], values[1], values[2], values[3]);
}

int pthread_sigmask(int how, const sigset_t* mask, sigset_t* before) noexcept {
    return pass_on<"pthread_sigmask", int>(mask != nullptr, how, mask, before);
}

int putenv(char* entry) noexcept { return pass_on<"putenv", int>(true, entry); }

int setenv(const char* name, const char* value, int replace) noexcept {
    return pass_on<"setenv", int>(true, name, value, replace);
}

int setitimer(__itimer_which_t which, const itimerval* timer, itimerval* before) noexcept {
    return pass_on<"setitimer", int>(true, which, timer, before);
}

char* setlocale(int category, const char* locale) noexcept {
    return pass_on<"setlocale", char*>(locale != nullptr, category, locale);
}

int setpgid(pid_t pid, pid_t group) noexcept { return pass_on<"setpgid", int>(true, pid, group); }

int setpgrp() noexcept { return pass_on<"setpgrp", int>(true); }

int setpriority(__priority_which_t which, id_t who, int value) noexcept {
    return pass_on<"setpriority", int>(true, which, who, value);
}

pid_t setsid() noexcept { return pass_on<"setsid", pid_t>(true); }

int sigaction(int signal, const struct sigaction* action, struct sigaction* before) noexcept {
    return pass_on<"sigaction", int>(action != nullptr, signal, action, before);
}

int sigblock(int mask) noexcept { return pass_on<"sigblock", int>(true, mask); }

int sighold(int signal) noexcept { return pass_on<"sighold", int>(true, signal); }

int sigignore(int signal) noexcept { return pass_on<"sigignore", int>(true, signal); }

int siginterrupt(int signal, int on) noexcept { return pass_on<"siginterrupt", int>(true, signal, on); }

sighandler_t signal(int number, sighandler_t handler) noexcept {
    return pass_on<"signal", sighandler_t>(true, number, handler);
}

int sigprocmask(int how, const sigset_t* mask, sigset_t* before) noexcept {
    return pass_on<"sigprocmask", int>(mask != nullptr, how, mask, before);
}

int sigrelse(int signal) noexcept { return pass_on<"sigrelse", int>(true, signal); }

sighandler_t sigset(int signal, sighandler_t handler) noexcept {
    return pass_on<"sigset", sighandler_t>(true, signal, handler);
}

int sigsetmask(int mask) noexcept { return pass_on<"sigsetmask", int>(true, mask); }

useconds_t ualarm(useconds_t value, useconds_t interval) noexcept {
    return pass_on<"ualarm", useconds_t>(true, value, interval);
}

int unsetenv(const char* name) noexcept { return pass_on<"unsetenv", int>(true, name); }

mode_t umask(mode_t mask) noexcept { return pass_on<"umask", mode_t>(true, mask); }

ssize_t write(int fd, const void* bytes, std::size_t size) {
    return pass_down<"write", ssize_t>(false, fd, bytes, size);
}

ssize_t writev(int fd, const iovec* parts, int count) { return pass_down<"writev", ssize_t>(false, fd, parts, count); }

// The headers may give the first of two names the meaning of the second, so these have names of their own here.
int note_prlimit(pid_t pid, int resource, const rlimit64* limit, rlimit64* before) noexcept __asm__("prlimit");
int note_prlimit64(pid_t pid, int resource, const rlimit64* limit, rlimit64* before) noexcept __asm__("prlimit64");
int note_setrlimit(int resource, const rlimit64* limit) noexcept __asm__("setrlimit");
int note_setrlimit64(int resource, const rlimit64* limit) noexcept __asm__("setrlimit64");

int note_prlimit(pid_t pid, int resource, const rlimit64* limit, rlimit64* before) noexcept {
    return pass_on<"prlimit", int>(limit != nullptr, pid, resource, limit, before);
}

int note_prlimit64(pid_t pid, int resource, const rlimit64* limit, rlimit64* before) noexcept {
    return pass_on<"prlimit64", int>(limit != nullptr, pid, resource, limit, before);
}

int note_setrlimit(int resource, const rlimit64* limit) noexcept {
    return pass_on<"setrlimit", int>(true, resource, limit);
}

int note_setrlimit64(int resource, const rlimit64* limit) noexcept {
    return pass_on<"setrlimit64", int>(true, resource, limit);
}

}  // extern "C"
#pragma GCC visibility pop
