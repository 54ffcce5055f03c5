#include "worker/child_reaper.h"

#include "base/clock.h"
#include "base/process.h"
#include "base/process_tree.h"

#include <algorithm>
#include <csignal>
#include <sys/resource.h>
#include <sys/wait.h>

namespace pythonfilter {
namespace {

constexpr int kRounds = 20;  // of looks for orphans before the other work has its turn

bool has_ended(pid_t pid) {
    siginfo_t info{};
    return waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid;
}

}  // namespace

void ChildReaper::set_baseline() {
    const auto children = list_children();
    baseline_ = {children.begin(), children.end()};
}

void ChildReaper::add_worker(std::uint32_t slot, pid_t pid, UniqueFd pidfd) {
    workers_.push_back({slot, pid, std::move(pidfd)});
}

// By number, which cannot be another's: nobody but this process reaps the worker. The group has its other threads.
void ChildReaper::stand_back(std::uint32_t slot, int nice) const {
    for (const auto& worker : workers_) {
        if (worker.slot != slot) continue;
        setpriority(PRIO_PROCESS, static_cast<id_t>(worker.pid), nice);
        setpriority(PRIO_PGRP, static_cast<id_t>(worker.pid), nice);
    }
}

void ChildReaper::add_to_poll(std::vector<pollfd>& entries) const {
    for (const auto& worker : workers_) entries.push_back({worker.pidfd.get(), POLLIN, 0});
}

std::vector<ChildReaper::Exited> ChildReaper::reap() {
    std::vector<Exited> exited;
    for (const auto& worker : workers_) {
        if (!has_ended(worker.pid)) continue;
        kill(-worker.pid, SIGKILL);  // the zombie still holds the number of the group
        int status = 0;
        waitpid(worker.pid, &status, 0);
        exited.push_back({worker.slot, worker.pid, status});
    }
    for (const auto& gone : exited) {
        std::erase_if(workers_, [&](const Worker& worker) { return worker.pid == gone.pid; });
    }
    const bool had_orphans = !orphans_.empty();
    reap_orphans();
    if (!exited.empty() || had_orphans) {  // also after the last one: it may have had children
        for (int round = 0; round < kRounds && adopt_orphans(); ++round) {}
    }
    return exited;
}

// Children of a dead worker come to us, and everything below them is killed with them: generation after generation,
// programs that go on starting others would outrun us. True when there were any: one that died meanwhile may have left
// its own to us.
bool ChildReaper::adopt_orphans() {
    bool found = false;
    for (const pid_t child : list_children()) {
        const bool known =
            baseline_.contains(child) || orphans_.contains(child) ||
            std::any_of(workers_.begin(), workers_.end(), [&](const Worker& w) { return w.pid == child; });
        if (known) continue;
        kill(child, SIGKILL);
        kill_below(child);
        orphans_.insert(child);
        found = true;
    }
    return found;
}

void ChildReaper::reap_orphans() {
    for (auto orphan = orphans_.begin(); orphan != orphans_.end();) {
        const bool gone = waitpid(*orphan, nullptr, WNOHANG) != 0;
        orphan = gone ? orphans_.erase(orphan) : std::next(orphan);
    }
}

void ChildReaper::kill_all(int milliseconds) {
    for (const auto& worker : workers_) {
        kill(-worker.pid, SIGKILL);
        kill(worker.pid, SIGKILL);  // one that has left its group
    }
    const TimePoint deadline = Clock::now() + std::chrono::milliseconds(milliseconds);
    while (Clock::now() < deadline) {
        reap();
        adopt_orphans();
        if (workers_.empty() && orphans_.empty()) return;
        std::vector<pollfd> entries;
        add_to_poll(entries);
        poll(entries.data(), entries.size(), 5);
    }
}

void ChildReaper::forget() {
    workers_.clear();
    orphans_.clear();
}

}  // namespace pythonfilter
