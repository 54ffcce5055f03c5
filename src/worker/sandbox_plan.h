// What is asked of the kernel for a pool's sandbox: a pure function of the rules and of what the running kernel can
// do. Two steps, because init_filter may open what messages must not:
//
//   guard     before init_filter: the server, the other workers and the system are out of reach. Threads and children
//             that init_filter starts have it too, so a filter can go on signalling its own.
//   confine   after init_filter: network, files and programs, where the rules limit them.
//
// Each step is a Landlock layer and a list of system calls (sandbox_calls.h). Before both, the gate: system calls about
// which the master is asked. sandbox.h carries it out.
#pragma once

#include "message/sandbox_rules.h"
#include "worker/sandbox_calls.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pythonfilter {

/// What the running kernel offers.
struct KernelAbility {
    int landlock = 0;  // ABI; 0: none
    bool seccomp = false;
    bool listener = false;  // seccomp can ask another process, and who waits for the answer can be killed
};
inline constexpr int kNewestLandlock = 7;  // the newest ABI that is understood here

/// Landlock's rights by its own numbers: the header of Debian 12 knows ABI 2 only.
namespace landlock {
inline constexpr std::uint64_t write_file = 1u << 1, read_file = 1u << 2, read_dir = 1u << 3;
inline constexpr std::uint64_t remove_dir = 1u << 4, remove_file = 1u << 5, make_char = 1u << 6, make_dir = 1u << 7;
inline constexpr std::uint64_t make_reg = 1u << 8, make_sock = 1u << 9, make_fifo = 1u << 10, make_block = 1u << 11;
inline constexpr std::uint64_t make_sym = 1u << 12, refer = 1u << 13, truncate = 1u << 14, ioctl_dev = 1u << 15;
inline constexpr std::uint64_t of_files = write_file | read_file | truncate | ioctl_dev;  // not only of directories
inline constexpr std::uint64_t bind_tcp = 1u << 0, connect_tcp = 1u << 1;
inline constexpr std::uint64_t scope_abstract_unix = 1u << 0, scope_signal = 1u << 1;
}  // namespace landlock

struct PathRule {
    std::string path;
    std::uint64_t rights = 0;
    bool listed = false;  // by the administrator: that it is missing is worth a line
};

struct LandlockLayer {
    std::uint64_t files = 0, network = 0, scoped = 0;  // what is denied unless a rule allows it
    std::vector<PathRule> paths;
};

struct SandboxPlan {
    std::optional<LandlockLayer> guard, confine;
    std::vector<CallRule> gate_calls, guard_calls, confine_calls;
    bool foreign_programs = true;    // of the machine's other word size may run: their calls are checked too
    std::vector<std::string> lacks;  // each a phrase: what is not kept from filters, and what would do it
};

/// `temporary_directory` is the worker's own; `installation` has the directories of our Python packages and of filters.
SandboxPlan plan_sandbox(const SandboxRules& rules, const KernelAbility& kernel,
                         const std::vector<ServerProcess>& server, const std::vector<std::string>& installation);

/// What a worker's own TMPDIR adds to the layer, if files are limited.
void allow_temporary_directory(SandboxPlan& plan, const std::string& path);

}  // namespace pythonfilter
