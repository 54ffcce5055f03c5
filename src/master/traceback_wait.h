// TracebackWait: how long a worker that is about to be killed is given to write its traceback. Pure. faulthandler needs
// less than a millisecond and says nothing at its end, so the text is taken for whole when it has not grown for a few
// looks; a worker that cannot write (stopped, all signals blocked) costs the whole grace. Called by worker_slot.
#pragma once

#include "base/clock.h"

#include <cstddef>

namespace pythonfilter {

class TracebackWait {
public:
    static constexpr Duration kLook = 3ms;   // from one look to the next
    static constexpr Duration kGrace = 20ms;  // for the first byte; one that has begun has twice that

    void start(TimePoint now) { *this = TracebackWait(now); }

    /// A look at a traceback of so many bytes: true when there is nothing more to wait for.
    bool is_over(std::size_t bytes, TimePoint now) {
        quiet_looks_ = bytes > 0 && bytes == bytes_ ? quiet_looks_ + 1 : 0;
        bytes_ = bytes;
        return quiet_looks_ >= kQuietLooks || now >= began_ + (bytes > 0 ? 2 * kGrace : kGrace);
    }

    TracebackWait() = default;

private:
    static constexpr int kQuietLooks = 2;

    explicit TracebackWait(TimePoint now) : began_(now) {}

    TimePoint began_{};
    std::size_t bytes_ = 0;
    int quiet_looks_ = 0;
};

}  // namespace pythonfilter
