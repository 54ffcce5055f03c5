// LeftoverChildren: processes that filters started and did not wait for. Those that have ended are reaped, each by its
// own pid, so that a filter's wait() on another child is not robbed; those that live are left alone. Children of
// init_filter are the filter's own business for as long as the worker lives. Called by the worker loop between
// messages, and by TidyUp.
#pragma once

#include <set>
#include <sys/types.h>

namespace pythonfilter {

class LeftoverChildren {
public:
    /// The children there are now stay untouched.
    void set_baseline();
    /// Reaps what has ended. True when others may still run: ask again. Behind a list() that found none it costs
    /// nothing: without children there are no descendants that could come to this process. What a thread of a filter
    /// has started since is found by the next list().
    bool reap();
    /// Those there are beside the baseline, reaped or not. Reaps nothing.
    std::set<pid_t> list();
    bool running() const { return running_ > 0; }

private:
    bool none_ = false;  // list() has found that there is none at all, not even in the baseline
    int running_ = 0;    // at the last reap(), the baseline not counted
    std::set<pid_t> baseline_;
};

}  // namespace pythonfilter
