#include "master/orphans.h"

#include "base/process.h"
#include "base/process_tree.h"

#include <algorithm>
#include <csignal>
#include <sys/wait.h>

namespace pythonfilter {

Orphans::Orphans(pid_t ours) : not_ours_(list_children()) {
    std::erase(not_ours_, ours);
    become_subreaper();
}

bool Orphans::clear(const std::unordered_set<pid_t>& ours) const {
    bool none_left = true;
    for (const pid_t pid : list_children()) {
        if (ours.contains(pid) || std::find(not_ours_.begin(), not_ours_.end(), pid) != not_ours_.end()) continue;
        kill(pid, SIGKILL);
        kill_below(pid);
        waitpid(pid, nullptr, WNOHANG);
        none_left = false;  // even when it is gone: its children may come to us only now
    }
    return none_left;
}

}  // namespace pythonfilter
