// Orphans: what a dead child left running: a master its zygotes and workers, a zygote its workers, a worker its
// filter's children. They come to the nearest subreaper, the guardian or the master, and must be gone before a
// successor starts: an exclusive pool may not have two workers. Kills by number, but only children of this process that
// nobody has reaped, so that the number cannot be another's. Must never touch a child that this process had before (a
// wrapper script may have left one).
#pragma once

#include <sys/types.h>
#include <unordered_set>
#include <vector>

namespace pythonfilter {

class Orphans {
public:
    /// Becomes the subreaper. `ours`: a child that is there already and is known; 0: none.
    explicit Orphans(pid_t ours = 0);

    /// Kills and reaps what is there, except `ours`. True when nothing remains.
    bool clear(const std::unordered_set<pid_t>& ours) const;

private:
    std::vector<pid_t> not_ours_;  // never reaped here, so none of these numbers is used again
};

}  // namespace pythonfilter
