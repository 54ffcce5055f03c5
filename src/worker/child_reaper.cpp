#include "worker/child_reaper.h"

#include "base/clock.h"
#include "base/process.h"

#include <algorithm>
#include <csignal>
#include <sys/wait.h>

namespace pythonfilter {
namespace {

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
    if (!exited.empty() || had_orphans) adopt_orphans();  // also after the last one: it may have had children
    return exited;
}

// Children of a dead worker, and children of those, come to us one generation at a time.
void ChildReaper::adopt_orphans() {
    for (const pid_t child : list_children()) {
        const bool known =
            baseline_.contains(child) || orphans_.contains(child) ||
            std::any_of(workers_.begin(), workers_.end(), [&](const Worker& w) { return w.pid == child; });
        if (known) continue;
        kill(child, SIGKILL);
        orphans_.insert(child);
    }
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
