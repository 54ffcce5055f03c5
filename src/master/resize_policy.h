// ResizePolicy: how many workers a pool should have now, between its bounds. It grows when a message has waited for
// kQueueWait although all workers serve, by kAtOnce at most, and those that are still to come count: what waits for
// them needs no further ones. It shrinks by one when the worker that was idle longest was not needed for all of `idle`;
// the pool gives work to the one used last, so a load that needs a worker now and then keeps it.
//
// A steady load must not make the size go up and down: when the pool grows soon after it shrank, that was a mistake,
// and the next worker gets twice the time to be needed. One object for each pool. Pure: the time is an argument, it
// starts and stops nothing.
#pragma once

#include "base/clock.h"
#include "config/pool_size.h"

#include <optional>

namespace pythonfilter {

class ResizePolicy {
public:
    static constexpr Duration kQueueWait = 100ms;  // a person or a peer does not feel it
    static constexpr int kAtOnce = 2;
    static constexpr int kSoon = 10;        // times `idle`
    static constexpr int kMaxPatience = 8;  // times `idle`

    explicit ResizePolicy(PoolSize bounds) : bounds_(bounds), size_(bounds.min) {}

    struct Load {
        int serving = 0;     // workers, idle or busy
        int waiting = 0;     // messages
        TimePoint since{};   // when the first of them came
    };

    /// min <= size() <= max
    int size() const { return size_; }
    bool can_shrink() const { return size_ > bounds_.min; }
    /// For how long a worker is not needed before it leaves.
    Duration patience() const { return bounds_.idle * patience_; }

    /// By how many it has grown.
    int grow(const Load& load, TimePoint now);
    /// The longest idle worker has been so since then. True when it has shrunk by one.
    bool shrink(TimePoint idle_since, TimePoint now);

private:
    PoolSize bounds_;
    int size_;
    int patience_ = 1;  // times `idle`; 1 <= patience_ <= kMaxPatience
    std::optional<TimePoint> grown_, shrunk_;  // last
};

}  // namespace pythonfilter
