// LeftoverChildren: processes that filters started and did not wait for. Those that have ended are reaped, each by its
// own pid, so that a filter's wait() on another child is not robbed; those that live are left alone. Children of
// init_filter are the filter's own business for as long as the worker lives. Called by the worker loop between
// messages.
#pragma once

#include <set>
#include <sys/types.h>

namespace pythonfilter {

class LeftoverChildren {
public:
    /// The children there are now stay untouched.
    void set_baseline();
    /// Reaps what has ended. True when others may still run: ask again.
    bool reap();
    /// So many run that the worker should end, which ends them: filters start processes and never wait for them.
    bool too_many() const { return running_ > kMaxRunning; }

private:
    static constexpr int kMaxRunning = 100;

    int running_ = 0;  // at the last reap(), the baseline not counted
    std::set<pid_t> baseline_;
};

}  // namespace pythonfilter
