// SeccompFilter: call rules as a program for the kernel. Compiled once, in the zygote, because that takes longer than a
// fork; loaded by each worker.
#pragma once

#include "base/result.h"
#include "worker/sandbox_calls.h"

#include <linux/filter.h>
#include <vector>

namespace pythonfilter {

class SeccompFilter {
public:
    /// Whether the kernel takes such programs.
    static bool available();
    /// `foreign`: programs of the machine's other word size run, under the same rules; else they are killed.
    static Result<SeccompFilter> compile(const std::vector<CallRule>& rules, bool foreign);

    /// For all threads of the caller and for what they start. no_new_privs must be set.
    Status load() const;

private:
    std::vector<sock_filter> program_;  // empty: nothing is denied
};

}  // namespace pythonfilter
