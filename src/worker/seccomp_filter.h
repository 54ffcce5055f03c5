// SeccompFilter: call rules as a program for the kernel. Compiled once, in the zygote, because that takes longer than a
// fork; loaded by each worker.
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"
#include "worker/sandbox_calls.h"

#include <linux/filter.h>
#include <vector>

namespace pythonfilter {

class SeccompFilter {
public:
    /// Whether the kernel takes such programs.
    static bool available();
    /// Whether it has listeners whose callers can be killed while they wait (Linux 5.19).
    static bool can_listen();
    /// `foreign`: programs of the machine's other word size run, under the same rules; else they are killed.
    static Result<SeccompFilter> compile(const std::vector<CallRule>& rules, bool foreign);

    /// For all threads of the caller and for what they start. no_new_privs must be set.
    Status load() const;
    /// The same for a caller without other threads; the listener is asked about each CallRule::kAsk. Fails when the
    /// process already has a filter with a listener.
    Result<UniqueFd> listen() const;
    bool empty() const { return program_.empty(); }

private:
    std::vector<sock_filter> program_;  // empty: nothing is denied
};

}  // namespace pythonfilter
