// StandardFds: descriptors 0, 1 and 2 of a worker: nothing, and twice the pipe whose lines the master labels with
// worker and message. Owned by the worker's start; TidyUp looks at them after each message, so that a filter that
// closed or replaced them costs at most the rest of its message's output.
#pragma once

#include "base/unique_fd.h"
#include "worker/footprint.h"

namespace pythonfilter {

class StandardFds {
public:
    /// `error` is the worker's stderr pipe: installed, and kept to do so again.
    explicit StandardFds(UniqueFd error);

    int error_fd() const { return error_.get(); }
    /// Outlived by this object.
    std::vector<Property> properties() const;

private:
    void install(int fd) const;
    bool restore(const std::string& wanted) const;

    UniqueFd error_;
};

}  // namespace pythonfilter
