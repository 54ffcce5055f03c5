// System calls about processes that glibc 2.36 wraps thinly or not at all, shared by guardian, master and zygote.
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"

#include <cstdint>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace pythonfilter {

/// A pidfd of a child of the caller that has not been reaped (so the number cannot have been reused).
Result<UniqueFd> open_pidfd(pid_t child);

/// Sends `signal` through a pidfd. False when the process is gone.
bool signal_pidfd(int pidfd, int signal);

/// Asks for `signal` when the parent dies. False when the parent is already another than `expected_parent`.
bool set_parent_death_signal(int signal, pid_t expected_parent);

/// Orphaned descendants come to the caller instead of to init.
void become_subreaper();

/// The caller's children by pid, zombies included (/proc/thread-self/children). Empty when there are none.
std::vector<pid_t> list_children();

/// The numbers in such a file of /proc; empty when it cannot be read.
std::vector<pid_t> read_pids(const std::string& path);

/// The memory that a process holds, as /proc says; some microseconds. Nothing when it is gone.
std::optional<std::int64_t> resident_bytes(pid_t pid);

/// How many descriptors a process has open, counted up to `enough`. Nothing when it is gone or not ours to look at.
std::optional<int> count_descriptors(pid_t pid, int enough);

/// Names a wait status for a person: "exit status 1", "signal 11 (SIGSEGV)".
std::string describe_wait_status(int wait_status);

/// Signal mask empty, every handler default: what a new program expects, whatever its parent had ignored.
void reset_signals();

/// The directory above the directory of the running program: /usr for /usr/sbin/pythonfilter. The other parts of the
/// installation are found from there, so that an installed tree can be moved.
std::string installation_prefix();

}  // namespace pythonfilter
