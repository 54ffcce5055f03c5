// What is asked of the kernel for a sandbox, per preset and Landlock ABI, and what is said to be lacking.
#include "worker/sandbox_plan.h"

#include <algorithm>
#include <cerrno>
#include <doctest/doctest.h>

using namespace pythonfilter;

namespace {

constexpr KernelAbility kNewest{kNewestLandlock, true, true};

SandboxRules rules_of(SandboxPreset preset) {
    SandboxConfig config;
    config.preset = preset;
    return resolve_sandbox(config, {.sysconfdir = "/settings", .localstatedir = "/spool"}, {100, 200});
}

SandboxPlan plan_of(const SandboxRules& rules, const KernelAbility& kernel) {
    return plan_sandbox(rules, kernel, {{100, 90}, {200, 90}, {300, 300}}, {"/filters.d", "/python"});
}

const PathRule* path_rule(const LandlockLayer& layer, const std::string& path) {
    const auto found =
        std::find_if(layer.paths.begin(), layer.paths.end(), [&](const PathRule& rule) { return rule.path == path; });
    return found == layer.paths.end() ? nullptr : &*found;
}

// The rule that decides the call with these arguments; nullptr: it is allowed.
const CallRule* denied(const std::vector<CallRule>& rules, std::string_view call,
                       const std::vector<std::uint64_t>& arguments = {0, 0, 0, 0}) {
    const auto holds = [&](const ArgumentTest& test) {
        if (test.is == ArgumentTest::Is::any) return true;
        const std::uint64_t value = arguments.at(test.argument);
        return test.is == ArgumentTest::Is::same ? (value & test.mask) == test.value : value != test.value;
    };
    const auto found = std::find_if(rules.begin(), rules.end(), [&](const CallRule& rule) {
        return rule.call == call && holds(rule.first) && holds(rule.second);
    });
    return found == rules.end() ? nullptr : &*found;
}

bool lacks(const SandboxPlan& plan, const std::string& word) {
    return std::any_of(plan.lacks.begin(), plan.lacks.end(),
                       [&](const std::string& text) { return text.find(word) != std::string::npos; });
}

}  // namespace

TEST_CASE("sandbox rules: what is not written is the preset's answer") {
    CHECK_FALSE(rules_of(SandboxPreset::off).guard);
    const SandboxRules standard = rules_of(SandboxPreset::standard);
    CHECK(standard.guard);
    CHECK(standard.exec);
    CHECK(standard.network == NetworkAccess::allow);
    CHECK_FALSE(standard.limit_read);
    CHECK_FALSE(standard.limit_write);
    const SandboxRules strict = rules_of(SandboxPreset::strict);
    CHECK(strict.guard);
    CHECK_FALSE(strict.exec);
    CHECK(strict.network == NetworkAccess::none);
    CHECK(strict.limit_read);
    CHECK(strict.limit_write);
}

TEST_CASE("sandbox rules: a written key wins over the preset") {
    SandboxConfig config;
    config.preset = SandboxPreset::strict;
    config.network = NetworkAccess::unix_only;
    config.exec = ExecAccess::allow;
    const SandboxRules strict = resolve_sandbox(config, {}, {});
    CHECK(strict.network == NetworkAccess::unix_only);
    CHECK(strict.exec);
    config = {};
    config.write = {"/var/lib/x"};
    const SandboxRules standard = resolve_sandbox(config, {}, {});
    CHECK(standard.limit_write);
    CHECK_FALSE(standard.limit_read);
    CHECK(standard.write == std::vector<std::string>{"/var/lib/x"});
}

TEST_CASE("sandbox plan: off asks for nothing and lacks nothing, on any kernel") {
    for (const KernelAbility kernel : {KernelAbility{}, kNewest}) {
        const SandboxPlan plan = plan_of(rules_of(SandboxPreset::off), kernel);
        CHECK_FALSE(plan.guard);
        CHECK_FALSE(plan.confine);
        CHECK(plan.guard_calls.empty());
        CHECK(plan.confine_calls.empty());
        CHECK(plan.lacks.empty());
    }
}

TEST_CASE("sandbox plan: no layer has rights that the ABI does not know") {
    const std::uint64_t known[] = {0, 0x1fff, 0x3fff, 0x7fff, 0x7fff, 0xffff, 0xffff, 0xffff};
    for (int abi = 0; abi <= kNewestLandlock; ++abi) {
        CAPTURE(abi);
        const SandboxPlan plan = plan_of(rules_of(SandboxPreset::strict), {abi, true});
        CHECK(plan.guard.has_value() == (abi >= 2));
        CHECK(plan.confine.has_value() == (abi >= 1));
        for (const auto& layer : {plan.guard, plan.confine}) {
            if (!layer) continue;
            CHECK((layer->files & ~known[abi]) == 0);
            CHECK((layer->network == 0 || abi >= 4));
            CHECK((layer->scoped == 0 || abi >= 6));
            for (const auto& rule : layer->paths) CHECK((rule.rights & ~layer->files) == 0);
        }
    }
}

TEST_CASE("sandbox plan: standard limits no files, and renaming between directories stays") {
    for (int abi = 0; abi <= kNewestLandlock; ++abi) {
        CAPTURE(abi);
        const SandboxPlan plan = plan_of(rules_of(SandboxPreset::standard), {abi, true});
        CHECK_FALSE(plan.confine);
        CHECK(plan.confine_calls.empty());
        if (plan.guard) CHECK(path_rule(*plan.guard, "/")->rights == landlock::refer);
    }
}

TEST_CASE("sandbox plan: only the guard layer scopes signals, so init_filter's children can be signalled") {
    const SandboxPlan plan = plan_of(rules_of(SandboxPreset::strict), kNewest);
    CHECK(plan.guard->scoped == landlock::scope_signal);
    CHECK(plan.confine->scoped == landlock::scope_abstract_unix);
}

TEST_CASE("sandbox plan: listed paths, the spool and the private TMPDIR") {
    SandboxRules rules = rules_of(SandboxPreset::strict);
    rules.read = {"/lists"};
    rules.write = {"/state"};
    SandboxPlan plan = plan_of(rules, kNewest);
    allow_temporary_directory(plan, "/tmp/private");
    const LandlockLayer& layer = *plan.confine;
    CHECK(path_rule(layer, "/lists")->rights == (landlock::read_file | landlock::read_dir));
    CHECK(path_rule(layer, "/lists")->listed);
    for (const char* path : {"/state", "/spool/tmp", "/tmp/private"}) {
        CAPTURE(path);
        REQUIRE(path_rule(layer, path));
        CHECK((path_rule(layer, path)->rights & landlock::make_reg) != 0);
        CHECK((path_rule(layer, path)->rights & landlock::read_file) != 0);
        CHECK((path_rule(layer, path)->rights & landlock::make_block) == 0);
    }
    CHECK((path_rule(layer, "/filters.d")->rights & landlock::write_file) == 0);
    CHECK(path_rule(layer, "/settings")->rights == (landlock::read_file | landlock::read_dir));
    CHECK_FALSE(path_rule(layer, "/"));
}

TEST_CASE("sandbox plan: the kernel's gaps are said, each with what would close it") {
    CHECK(plan_of(rules_of(SandboxPreset::standard), kNewest).lacks.empty());
    CHECK(plan_of(rules_of(SandboxPreset::strict), kNewest).lacks.empty());
    const SandboxPlan debian12 = plan_of(rules_of(SandboxPreset::standard), {2, true, true});
    CHECK(debian12.lacks.size() == 1);
    CHECK(lacks(debian12, "other workers can be sent signals (needs Landlock ABI 6)"));
    const SandboxPlan strict = plan_of(rules_of(SandboxPreset::strict), {2, true});
    CHECK(lacks(strict, "truncate()"));
    CHECK(lacks(strict, "ioctl()"));
    const SandboxPlan none = plan_of(rules_of(SandboxPreset::strict), {0, false});
    CHECK(lacks(none, "files are not limited"));
    CHECK(lacks(none, "processes and threads are only counted now and then (needs seccomp of kernel 5.19)"));
    CHECK(lacks(none, "network is not limited"));
    CHECK(lacks(none, "programs can be started"));
    CHECK(none.guard_calls.empty());
    CHECK(lacks(plan_of(rules_of(SandboxPreset::strict), {1, true}), "no file can be moved"));
}

TEST_CASE("sandbox calls: signals by number, only where Landlock does not scope them") {
    const SandboxPlan newest = plan_of(rules_of(SandboxPreset::standard), kNewest);
    const SandboxPlan older = plan_of(rules_of(SandboxPreset::standard), {5, true});
    for (const std::uint64_t pid : {100, 200, 300}) {
        CHECK(denied(older.guard_calls, "kill", {pid, 9}));
        CHECK(denied(older.guard_calls, "kill", {pid | 0xabc00000000, 9}));  // the kernel looks at 32 bits
        CHECK(denied(older.guard_calls, "tgkill", {pid, pid, 9}));
        CHECK(denied(older.guard_calls, "pidfd_open", {pid, 0}));
        CHECK_FALSE(denied(newest.guard_calls, "kill", {pid, 9}));
    }
    CHECK(denied(older.guard_calls, "kill", {static_cast<std::uint64_t>(-90), 9}));  // the group of two of them
    CHECK(denied(older.guard_calls, "pidfd_send_signal")->error == ENOSYS);
    for (const auto* rules : {&newest.guard_calls, &older.guard_calls}) {
        CHECK(denied(*rules, "kill", {static_cast<std::uint64_t>(-1), 9}));
        CHECK(denied(*rules, "kill", {0xffffffff, 9}));
        CHECK_FALSE(denied(*rules, "kill", {0, 9}));    // the own group
        CHECK_FALSE(denied(*rules, "kill", {400, 9}));  // an own child
    }
}

TEST_CASE("sandbox calls: one's own limits and priority can be set, others' not") {
    const auto rules = plan_of(rules_of(SandboxPreset::standard), kNewest).guard_calls;
    CHECK_FALSE(denied(rules, "prlimit64", {0, 7, 1234, 0}));
    CHECK_FALSE(denied(rules, "prlimit64", {100, 7, 0, 1234}));  // reading
    CHECK(denied(rules, "prlimit64", {100, 7, 1234, 0}));
    CHECK_FALSE(denied(rules, "setpriority", {0, 0, 5}));
    CHECK(denied(rules, "setpriority", {0, 100, 19}));
    CHECK(denied(rules, "setpriority", {2, 0, 19}));
}

TEST_CASE("sandbox calls: namespaces are denied, threads and processes are not") {
    const auto rules = plan_of(rules_of(SandboxPreset::standard), kNewest).guard_calls;
    CHECK(denied(rules, "clone", {0x10000000}));       // CLONE_NEWUSER
    CHECK(denied(rules, "unshare", {0x00020000}));     // CLONE_NEWNS
    CHECK_FALSE(denied(rules, "clone", {0x003d0f00}));  // pthread_create
    CHECK_FALSE(denied(rules, "clone", {0x01200011}));  // fork
    CHECK(denied(rules, "clone3")->error == ENOSYS);
    CHECK(denied(rules, "clone", {0x00008000}));       // CLONE_PARENT
    CHECK(denied(rules, "prctl", {36, 0}));            // PR_SET_CHILD_SUBREAPER
    CHECK_FALSE(denied(rules, "prctl", {36, 1}));
    CHECK(denied(rules, "mknod", {0, 0060600}));
    CHECK_FALSE(denied(rules, "mknod", {0, 0010600}));  // a FIFO
}

TEST_CASE("sandbox calls: the master is asked before what makes a process or a thread") {
    const auto asked = [](const SandboxRules& rules, const KernelAbility& kernel) {
        return plan_of(rules, kernel).gate_calls;
    };
    const SandboxRules standard = rules_of(SandboxPreset::standard);
    for (const char* call : {"fork", "vfork", "clone"})
        CHECK(denied(asked(standard, kNewest), call)->error == CallRule::kAsk);
    CHECK(asked(standard, {kNewestLandlock, true, false}).empty());
    CHECK(asked(rules_of(SandboxPreset::off), kNewest).empty());
}

TEST_CASE("sandbox calls: network and programs") {
    const auto unix_only = confine_calls(NetworkAccess::unix_only, true);
    CHECK_FALSE(denied(unix_only, "socket", {1, 1, 0}));
    CHECK(denied(unix_only, "socket", {2, 1, 0}));
    CHECK_FALSE(denied(unix_only, "execve"));
    const auto none = confine_calls(NetworkAccess::none, false);
    CHECK(denied(none, "socket", {1, 1, 0}));
    CHECK_FALSE(denied(none, "socketpair", {1, 1, 0}));
    CHECK(denied(none, "execve"));
    CHECK(denied(none, "execveat"));
    CHECK(confine_calls(NetworkAccess::allow, true).empty());
}
