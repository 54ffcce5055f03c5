#include "worker/sandbox.h"

#include "base/packet.h"
#include "worker/landlock_layer.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <sys/prctl.h>
#include <unistd.h>

namespace pythonfilter {
namespace {

// For tests: a kernel that knows less of Landlock. Filters cannot set it: it is read before the first import.
KernelAbility running_kernel() {
    KernelAbility kernel{landlock_abi(), SeccompFilter::available(), SeccompFilter::can_listen()};
    if (const char* cap = std::getenv("PYTHONFILTER_LANDLOCK_ABI"); cap != nullptr)
        kernel.landlock = std::min(kernel.landlock, std::atoi(cap));
    return kernel;
}

std::vector<ServerProcess> server_processes(const SandboxRules& rules, pid_t master) {
    std::vector<pid_t> pids(rules.protected_pids.begin(), rules.protected_pids.end());
    pids.push_back(master);
    pids.push_back(getpid());
    std::sort(pids.begin(), pids.end());
    pids.erase(std::unique(pids.begin(), pids.end()), pids.end());
    std::vector<ServerProcess> processes;
    for (const pid_t pid : pids) {
        const pid_t group = getpgid(pid);
        if (pid > 1) processes.push_back({pid, group > 1 ? group : pid});
    }
    return processes;
}

// Landlock is of the thread that enters it. (seccomp is told to take all.)
bool has_other_threads() {
    std::error_code error;
    const std::filesystem::directory_iterator tasks("/proc/self/task", error);
    return !error && std::distance(begin(tasks), end(tasks)) > 1;
}

}  // namespace

Sandbox Sandbox::prepare(const ZygoteSpec& spec, pid_t master) {
    Sandbox sandbox;
    std::vector<std::string> installation = spec.filter_path;
    installation.push_back(spec.python_dir);
    sandbox.required_ = spec.sandbox.required;
    sandbox.plan_ =
        plan_sandbox(spec.sandbox, running_kernel(), server_processes(spec.sandbox, master), installation);
    sandbox.compile();
    return sandbox;
}

void Sandbox::compile() {
    const auto into = [this](SeccompFilter& filter, const std::vector<CallRule>& calls) {
        auto compiled = SeccompFilter::compile(calls, plan_.foreign_programs);
        if (compiled) filter = std::move(*compiled);
        else plan_.lacks.push_back(compiled.error().text);
    };
    into(gate_filter_, plan_.gate_calls);
    into(guard_filter_, plan_.guard_calls);
    into(confine_filter_, plan_.confine_calls);
}

std::string Sandbox::lacks() const {
    std::string text;
    for (const auto& lack : plan_.lacks) text += (text.empty() ? "" : "; ") + lack;
    return text;
}

std::string Sandbox::refusal() const {
    return required_ && !plan_.lacks.empty() ? "its sandbox is required, but " + lacks() : "";
}

void Sandbox::note(const Status& status) {
    if (!status) plan_.lacks.push_back(status.error().text);
}

void Sandbox::enter(const std::optional<LandlockLayer>& layer, const SeccompFilter& filter) {
    std::vector<std::string> missing;
    if (layer) note(enter_landlock_layer(*layer, missing));
    for (auto& text : missing) plan_.lacks.push_back(std::move(text));
    note(filter.load());
}

void Sandbox::ask_before_forks(UniqueFd gate) {
    if (!active()) return;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) note(errno_error("no_new_privs", errno));
    if (gate_filter_.empty()) return;
    const auto listener = gate_filter_.listen();
    if (listener) note(send_packet(gate.get(), "listener", {listener->get()}));
    else plan_.lacks.push_back("processes and threads are only counted now and then (" + listener.error().text + ")");
}

void Sandbox::guard() {
    if (active()) enter(plan_.guard, guard_filter_);
}

void Sandbox::confine(const std::string& temporary_directory) {
    if (plan_.confine && plan_.confine->files != 0 && has_other_threads())
        plan_.lacks.push_back("threads that init_filter started are not limited in their files");
    allow_temporary_directory(plan_, temporary_directory);
    enter(plan_.confine, confine_filter_);
}

}  // namespace pythonfilter
