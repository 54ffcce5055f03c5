// SignalMasks: which signals the kernel ignores in this process and for which it calls a function, asked for with one
// system call instead of one for each signal. Used by the table of what filters can change about signals.
#pragma once

#include "base/unique_fd.h"

#include <cstdint>
#include <optional>

namespace pythonfilter {

class SignalMasks {
public:
    /// Of the process that calls this.
    SignalMasks();

    struct Masks {
        std::uint64_t ignored = 0, caught = 0;

        bool ignores(int signal) const { return (ignored >> (signal - 1) & 1) != 0; }
        bool catches(int signal) const { return (caught >> (signal - 1) & 1) != 0; }
    };
    /// As they are now; none where the kernel does not tell, or a filter has closed the descriptor.
    std::optional<Masks> read() const;

private:
    UniqueFd status_;  // of /proc/PID/status
};

}  // namespace pythonfilter
