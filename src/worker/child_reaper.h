// ChildReaper: the zygote's workers and the orphans that it inherits from dead ones. It finds out who has ended, kills
// what a dead worker left behind, and reaps, always in the order: see that it is dead (its number is still taken), kill
// its group, reap. Called by the zygote's loop. It never waits, and never touches children of the imports.
#pragma once

#include "base/unique_fd.h"

#include <cstdint>
#include <poll.h>
#include <set>
#include <sys/types.h>
#include <vector>

namespace pythonfilter {

class ChildReaper {
public:
    struct Exited {
        std::uint32_t slot = 0;
        pid_t pid = 0;
        int status = 0;  // as from waitpid()
    };

    /// The children there are now were started by imports and stay.
    void set_baseline();
    void add_worker(std::uint32_t slot, pid_t pid, UniqueFd pidfd);

    /// Raises the nice value of a worker and of its group, if it lives.
    void stand_back(std::uint32_t slot, int nice) const;

    /// Appends one entry per worker.
    void add_to_poll(std::vector<pollfd>& entries) const;
    /// Milliseconds until reap() should be called even when no entry is ready; -1 when it need not.
    int timeout_ms() const { return orphans_.empty() ? -1 : 20; }

    /// Workers that ended. Orphans are killed and reaped on the way.
    std::vector<Exited> reap();

    /// Kills all workers with their groups, and what they left, waiting at most `milliseconds` for their end.
    void kill_all(int milliseconds);

    /// In a forked child: the pidfds of its siblings are not its business.
    void forget();

private:
    struct Worker {
        std::uint32_t slot;
        pid_t pid;
        UniqueFd pidfd;
    };

    bool adopt_orphans();
    void reap_orphans();

    std::vector<Worker> workers_;
    std::set<pid_t> orphans_;   // killed, not yet reaped
    std::set<pid_t> baseline_;
};

}  // namespace pythonfilter
