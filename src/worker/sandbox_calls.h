// The system calls that a sandbox denies, and with which arguments: tables, without the kernel. Used by sandbox_plan.
// Everything that is not named stays allowed: filters call libraries of every kind.
#pragma once

#include "config/config.h"

#include <cstdint>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace pythonfilter {

/// A condition on one argument. `same`: (argument & mask) == value. `other`: argument != value.
struct ArgumentTest {
    enum class Is { any, same, other };
    Is is = Is::any;
    unsigned argument = 0;
    std::uint64_t mask = 0;
    std::uint64_t value = 0;
};

/// A call that fails with `error` when both conditions hold.
struct CallRule {
    static constexpr int kAsk = -1;  // in place of an error: who has the listener decides
    std::string_view call;
    int error = 0;
    ArgumentTest first{}, second{};
};

/// A process that filters must not reach: guardian, master, zygote.
struct ServerProcess {
    pid_t pid = 0;
    pid_t group = 0;
};

/// `signals_scoped`: Landlock keeps signals inside already, for every process. Else these calls keep them from `server`
/// alone.
std::vector<CallRule> guard_calls(const std::vector<ServerProcess>& server, bool signals_scoped);

/// What makes a process or a thread, and is not denied by the guard.
std::vector<CallRule> gate_calls();

std::vector<CallRule> confine_calls(NetworkAccess network, bool exec);

}  // namespace pythonfilter
