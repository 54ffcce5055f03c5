// TemporaryPlace: a directory of its own for each worker's temporary files, which is TMPDIR to its filters and goes
// with the worker: a filter that is killed leaves nothing behind, and no other user can be in the way of a name. Made
// and removed by the zygote, entered by the worker. Where none can be made, filters use the server's TMPDIR as it is.
#pragma once

#include "base/unique_fd.h"

#include <cstdint>
#include <string>

namespace pythonfilter {

class TemporaryPlace {
public:
    /// Makes the directory of this zygote, and removes those of zygotes that were killed.
    void create();

    /// In a worker, with the interpreter: makes its directory and lets TMPDIR and Python's tempfile name it. The path;
    /// empty when there is none.
    std::string enter(std::uint32_t slot) const;

    /// In the zygote: the worker is dead.
    void remove(std::uint32_t slot) const;
    /// In the zygote: all workers are.
    void remove_all() const;

private:
    std::string path_;  // empty: there is none
    UniqueFd lock_;     // held as long as the zygote lives, for zygotes that look for what is stale
};

}  // namespace pythonfilter
