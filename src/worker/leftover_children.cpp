#include "worker/leftover_children.h"

#include "base/process.h"

#include <sys/wait.h>

namespace pythonfilter {
namespace {

// A quarter of a microsecond when there is nothing, which is nearly always.
bool has_any_child() {
    siginfo_t info{};
    return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

}  // namespace

void LeftoverChildren::set_baseline() {
    const auto children = list_children();
    baseline_ = {children.begin(), children.end()};
}

std::set<pid_t> LeftoverChildren::list() {
    none_ = !has_any_child();
    if (none_) return {};
    std::set<pid_t> found;
    for (const pid_t child : list_children()) {
        if (!baseline_.contains(child)) found.insert(child);
    }
    return found;
}

bool LeftoverChildren::reap() {
    running_ = 0;
    if (none_ || !has_any_child()) {
        baseline_.clear();  // all ended; their numbers may come again
        return false;
    }
    bool reaped = false;
    std::set<pid_t> still_there;
    for (const pid_t child : list_children()) {
        if (baseline_.contains(child)) {
            still_there.insert(child);
        } else if (waitpid(child, nullptr, WNOHANG) == 0) {
            ++running_;
        } else {
            reaped = true;
        }
    }
    baseline_ = std::move(still_there);
    return running_ > 0 || reaped;  // the children of one that has just gone may have come to us since we looked
}

}  // namespace pythonfilter
