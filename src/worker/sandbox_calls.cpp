#include "worker/sandbox_calls.h"

#include <cerrno>
#include <fcntl.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

namespace pythonfilter {
namespace {

constexpr std::uint64_t kInt = 0xffffffff;  // the kernel ignores what is above in an int

constexpr ArgumentTest same(unsigned argument, std::uint64_t value, std::uint64_t mask = kInt) {
    return {ArgumentTest::Is::same, argument, mask, value & mask};
}
constexpr ArgumentTest bit(unsigned argument, std::uint64_t value) { return same(argument, value, value); }
constexpr ArgumentTest other(unsigned argument, std::uint64_t value) {
    return {ArgumentTest::Is::other, argument, 0, value};
}

// Of no use to a mail filter, of much use against the system. Most need rights that the mail user does not have; what
// they cost when the kernel has a hole is the reason to deny them.
constexpr std::string_view kDenied[] = {
    // other processes
    "ptrace", "process_vm_readv", "process_vm_writev", "kcmp", "pidfd_getfd", "process_madvise", "move_pages",
    "migrate_pages",
    // the tree of files
    "mount", "umount2", "pivot_root", "chroot", "open_tree", "move_mount", "fsopen", "fsconfig", "fsmount", "fspick",
    "mount_setattr", "swapon", "swapoff", "quotactl", "quotactl_fd", "open_by_handle_at", "setns",
    // the kernel and the machine
    "init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot", "bpf",
    "perf_event_open", "add_key", "request_key", "keyctl", "acct", "syslog", "settimeofday", "clock_settime",
    "sethostname", "setdomainname", "iopl", "ioperm", "vhangup", "lookup_dcookie",
};

// Libraries try these first and do without where the kernel has none. clone3's flags are out of a filter's sight.
constexpr std::string_view kAbsent[] = {
    "clone3", "io_uring_setup", "io_uring_enter", "io_uring_register", "userfaultfd",
};

constexpr std::uint64_t kNamespaces[] = {CLONE_NEWUSER, CLONE_NEWNS,  CLONE_NEWPID,    CLONE_NEWNET,
                                         CLONE_NEWIPC,  CLONE_NEWUTS, CLONE_NEWCGROUP};

void deny_namespaces(std::vector<CallRule>& rules) {
    for (const auto flag : kNamespaces) {
        rules.push_back({"unshare", EPERM, bit(0, flag)});
        rules.push_back({"clone", EPERM, bit(0, flag)});
    }
    rules.push_back({"unshare", EPERM, bit(0, 0x80)});  // CLONE_NEWTIME; clone() has it for the signal number
}

// What is below the worker is counted, and ended with it: nothing may come to stand beside it.
void deny_leaving_the_tree(std::vector<CallRule>& rules) {
    rules.push_back({"clone", EPERM, bit(0, CLONE_PARENT)});
    rules.push_back({"prctl", EPERM, same(0, PR_SET_CHILD_SUBREAPER), same(1, 0, ~std::uint64_t{0})});
}

void deny_devices(std::vector<CallRule>& rules) {
    for (const std::uint64_t kind : {S_IFCHR, S_IFBLK}) {
        rules.push_back({"mknod", EPERM, same(1, kind, S_IFMT)});
        rules.push_back({"mknodat", EPERM, same(2, kind, S_IFMT)});
    }
    // Input faked for whoever reads the terminal that the server was started from.
    rules.push_back({"ioctl", EPERM, same(1, TIOCSTI)});
    rules.push_back({"ioctl", EPERM, same(1, 0x541C)});  // TIOCLINUX
}

// A limit set to 0 is as good as a kill. Reading limits, and setting one's own, stays.
void deny_steering(std::vector<CallRule>& rules, const std::vector<ServerProcess>& server) {
    rules.push_back({"prlimit64", EPERM, other(0, 0), other(2, 0)});
    rules.push_back({"setpriority", EPERM, same(0, PRIO_USER)});
    rules.push_back({"ioprio_set", EPERM, same(0, 3)});  // IOPRIO_WHO_USER
    for (const auto& process : server) {
        const auto pid = static_cast<std::uint64_t>(process.pid);
        rules.push_back({"setpriority", EPERM, same(0, PRIO_PROCESS), same(1, pid)});
        rules.push_back({"setpriority", EPERM, same(0, PRIO_PGRP), same(1, static_cast<std::uint64_t>(process.group))});
        rules.push_back({"ioprio_set", EPERM, same(1, pid)});
        for (const char* call : {"sched_setaffinity", "sched_setscheduler", "sched_setparam", "sched_setattr"})
            rules.push_back({call, EPERM, same(0, pid)});
    }
}

// Every way to send a signal by number. A pidfd and F_SETOWN_EX hide the number, so those calls are not there at all.
void deny_signals(std::vector<CallRule>& rules, const std::vector<ServerProcess>& server) {
    rules.push_back({"pidfd_send_signal", ENOSYS});
    rules.push_back({"fcntl", EPERM, same(1, F_SETOWN_EX)});
    rules.push_back({"ioctl", EPERM, same(1, FIOSETOWN)});
    rules.push_back({"ioctl", EPERM, same(1, SIOCSPGRP)});
    for (const auto& process : server) {
        const auto pid = static_cast<std::uint64_t>(process.pid);
        const auto group = static_cast<std::uint64_t>(-static_cast<std::int64_t>(process.group));
        for (const char* call : {"kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_open"})
            rules.push_back({call, EPERM, same(0, pid)});
        rules.push_back({"tgkill", EPERM, same(1, pid)});
        rules.push_back({"kill", EPERM, same(0, group)});
        rules.push_back({"fcntl", EPERM, same(1, F_SETOWN), same(2, pid)});
        rules.push_back({"fcntl", EPERM, same(1, F_SETOWN), same(2, group)});
    }
}

}  // namespace

std::vector<CallRule> guard_calls(const std::vector<ServerProcess>& server, bool signals_scoped) {
    std::vector<CallRule> rules;
    for (const auto call : kDenied) rules.push_back({call, EPERM});
    for (const auto call : kAbsent) rules.push_back({call, ENOSYS});
    deny_namespaces(rules);
    deny_leaving_the_tree(rules);
    deny_devices(rules);
    deny_steering(rules, server);
    rules.push_back({"kill", EPERM, same(0, static_cast<std::uint64_t>(-1))});  // everybody
    if (!signals_scoped) deny_signals(rules, server);
    return rules;
}

std::vector<CallRule> gate_calls() {
    return {{"fork", CallRule::kAsk}, {"vfork", CallRule::kAsk}, {"clone", CallRule::kAsk}};
}

std::vector<CallRule> confine_calls(NetworkAccess network, bool exec) {
    std::vector<CallRule> rules;
    if (network == NetworkAccess::none) rules.push_back({"socket", EPERM});
    if (network == NetworkAccess::unix_only) rules.push_back({"socket", EPERM, other(0, AF_UNIX)});
    if (network != NetworkAccess::allow) rules.push_back({"socketpair", EPERM, other(0, AF_UNIX)});
    if (!exec) {
        rules.push_back({"execve", EPERM});
        rules.push_back({"execveat", EPERM});
    }
    return rules;
}

}  // namespace pythonfilter
