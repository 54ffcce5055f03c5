// TaskIds: the numbers of tasks. Not to be guessed: no worker can answer for a message before it was given to it. Each
// comes once. Owned by the router.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

namespace pythonfilter {

class TaskIds {
public:
    /// Odd, for 0 is no task.
    std::uint64_t next() {
        if (left_ == 0) refill();
        return ids_[--left_] | 1;
    }

private:
    // One system call for all of them.
    void refill() {
        arc4random_buf(ids_.data(), sizeof ids_);
        left_ = ids_.size();
    }

    std::array<std::uint64_t, 256> ids_{};
    std::size_t left_ = 0;
};

}  // namespace pythonfilter
