#include "worker/sandbox_plan.h"

namespace pythonfilter {
namespace {

using namespace landlock;

constexpr std::uint64_t kRead = read_file | read_dir;
constexpr std::uint64_t kWrite = write_file | remove_dir | remove_file | make_dir | make_reg | make_sock | make_fifo |
                                 make_sym | refer | truncate | ioctl_dev;

// Programs, libraries and settings of the system; what Python and libraries look up late. Other processes' secrets in
// /proc (memory, environment, descriptors) are kept by the guard layer, whose domain they are not in.
constexpr const char* kReadable[] = {
    "/usr", "/lib", "/lib32", "/lib64", "/bin", "/sbin", "/etc", "/etc/resolv.conf", "/etc/localtime", "/proc",
    "/sys/devices/system/cpu", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom",
};

std::uint64_t known_rights(int abi) {
    std::uint64_t rights = (1u << 13) - 1;
    if (abi >= 2) rights |= refer;
    if (abi >= 3) rights |= truncate;
    if (abi >= 5) rights |= ioctl_dev;
    return rights;
}

// A layer that denies next to nothing, for what comes with being in a domain: no tracing of who is outside it, and
// (ABI 6) no signals. With ABI 1 any layer denies renaming between directories, which filters do need.
std::optional<LandlockLayer> guard_layer(const KernelAbility& kernel) {
    if (kernel.landlock < 2) return std::nullopt;
    LandlockLayer layer;
    layer.files = make_char | make_block | refer;
    layer.paths.push_back({"/", refer});
    if (kernel.landlock >= 6) layer.scoped = scope_signal;
    return layer;
}

void allow_paths(LandlockLayer& layer, const SandboxRules& rules, const std::vector<std::string>& installation) {
    const auto allow = [&](const std::string& path, std::uint64_t rights, bool listed = false) {
        if ((rights & layer.files) != 0) layer.paths.push_back({path, rights & layer.files, listed});
    };
    if (!rules.limit_write) allow("/", refer);
    for (const char* path : kReadable) allow(path, kRead);
    for (const auto& path : installation) allow(path, kRead);
    allow("/dev/null", read_file | write_file | ioctl_dev);
    allow(rules.settings, kRead);
    allow(rules.spool, kRead | kWrite);
    for (const auto& path : rules.read) allow(path, kRead, true);
    for (const auto& path : rules.write) allow(path, kRead | kWrite, true);
}

std::optional<LandlockLayer> confine_layer(const SandboxRules& rules, const KernelAbility& kernel,
                                           const std::vector<std::string>& installation) {
    LandlockLayer layer;
    if (rules.limit_read) layer.files |= kRead;
    if (rules.limit_write) layer.files |= kWrite;
    if (layer.files != 0) layer.files |= refer;
    layer.files &= known_rights(kernel.landlock);
    if (rules.network != NetworkAccess::allow) {
        if (kernel.landlock >= 4) layer.network = bind_tcp | connect_tcp;
        if (kernel.landlock >= 6) layer.scoped = scope_abstract_unix;
    }
    if (kernel.landlock == 0 || (layer.files | layer.network | layer.scoped) == 0) return std::nullopt;
    if (layer.files != 0) allow_paths(layer, rules, installation);
    return layer;
}

std::vector<std::string> find_lacks(const SandboxRules& rules, const KernelAbility& kernel) {
    const int abi = kernel.landlock;
    const bool files = rules.limit_read || rules.limit_write;
    const bool network = rules.network != NetworkAccess::allow;
    std::vector<std::string> lacks;
    const auto lacking = [&](bool is, const char* text) {
        if (is) lacks.emplace_back(text);
    };
    lacking(!kernel.seccomp, "system calls are not checked (needs seccomp)");
    lacking(!kernel.listener, "processes and threads are only counted now and then (needs seccomp of kernel 5.19)");
    lacking(!kernel.seccomp && network, "network is not limited (needs seccomp)");
    lacking(!kernel.seccomp && !rules.exec, "programs can be started (needs seccomp)");
    lacking(abi < 2, "memory and environment of other workers are open in /proc (needs Landlock ABI 2)");
    lacking(abi < 6, "other workers can be sent signals (needs Landlock ABI 6)");
    lacking(files && abi < 1, "files are not limited (needs Landlock ABI 1)");
    lacking(files && abi == 1, "no file can be moved to another directory (needs Landlock ABI 2)");
    lacking(rules.limit_write && abi < 3, "truncate() is not limited (needs Landlock ABI 3)");
    lacking(rules.limit_write && abi < 5, "ioctl() on devices is not limited (needs Landlock ABI 5)");
    lacking(network && abi < 4, "TCP sockets from init_filter can be connected anywhere (needs Landlock ABI 4)");
    lacking(network && abi < 6, "abstract sockets can be connected (needs Landlock ABI 6)");
    return lacks;
}

}  // namespace

SandboxPlan plan_sandbox(const SandboxRules& rules, const KernelAbility& kernel,
                         const std::vector<ServerProcess>& server, const std::vector<std::string>& installation) {
    SandboxPlan plan;
    if (!rules.guard) return plan;
    plan.guard = guard_layer(kernel);
    plan.confine = confine_layer(rules, kernel, installation);
    plan.lacks = find_lacks(rules, kernel);
    plan.foreign_programs = rules.network == NetworkAccess::allow;
    if (!kernel.seccomp) return plan;
    if (kernel.listener) plan.gate_calls = gate_calls();
    plan.guard_calls = guard_calls(server, kernel.landlock >= 6);
    plan.confine_calls = confine_calls(rules.network, rules.exec);
    return plan;
}

void allow_temporary_directory(SandboxPlan& plan, const std::string& path) {
    if (!plan.confine || path.empty()) return;
    if (const std::uint64_t rights = (kRead | kWrite) & plan.confine->files; rights != 0)
        plan.confine->paths.push_back({path, rights});
}

}  // namespace pythonfilter
