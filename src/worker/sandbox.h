// Sandbox: a pool's sandbox, from the zygote that prepares it to the worker that enters it. What cannot be had is
// never silent: it is told to the master with `ready`, or, where the sandbox is required, no filter is run.
#pragma once

#include "base/unique_fd.h"
#include "message/zygote_protocol.h"
#include "worker/sandbox_plan.h"
#include "worker/seccomp_filter.h"

#include <string>
#include <vector>

namespace pythonfilter {

class Sandbox {
public:
    Sandbox() = default;

    /// In the zygote, `master` being its parent: asks the kernel what it can do and compiles the system-call filters.
    static Sandbox prepare(const ZygoteSpec& spec, pid_t master);

    /// Why the pool must not run filters: it is required, and something is missing or failed. Empty: it may.
    std::string refusal() const;
    /// What is missing or failed, as one line for the log; '' when nothing is.
    std::string lacks() const;

    /// In a worker, before any code of a filter runs in it, which could keep a listener: every fork, vfork and clone of
    /// this process and of those below it waits for who gets the listener through `gate`. Nothing is sent without one.
    void ask_before_forks(UniqueFd gate);
    /// In a worker, before init_filter.
    void guard();
    /// In a worker, after init_filter. The private TMPDIR stays usable.
    void confine(const std::string& temporary_directory);

private:
    bool active() const { return plan_.guard || plan_.confine || !plan_.guard_calls.empty(); }
    void note(const Status& status);
    void enter(const std::optional<LandlockLayer>& layer, const SeccompFilter& filter);
    void compile();

    bool required_ = false;
    SandboxPlan plan_;
    SeccompFilter gate_filter_, guard_filter_, confine_filter_;
};

}  // namespace pythonfilter
