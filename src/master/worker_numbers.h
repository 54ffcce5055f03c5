// WorkerNumbers: the numbers of a pool's workers ("default/3"), and how soon each is given out again after its worker
// died, so that workers which die young make no storm of forks (respawn_policy.h). One that dies before it was ready
// holds all starts of the pool back, until one becomes ready and shows that starting works. One that dies soon after
// holds its own number back. Pure: the time is an argument. Owned by the pool, which starts the workers; a holder is
// whatever number the pool knows a worker by.
#pragma once

#include "master/respawn_policy.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace pythonfilter {

class WorkerNumbers {
public:
    /// A worker that was ready for less, without a message, died of its own.
    static constexpr Duration kCalm = 100ms;

    /// A pool lacks so many workers: a number that one of them can have now, of the lowest free ones.
    std::optional<std::uint32_t> take(int lacking, std::uint32_t holder, TimePoint now);
    /// When the next of those numbers can be had.
    std::optional<TimePoint> next(int lacking) const;

    void became_ready(std::uint32_t holder, TimePoint now);
    /// It is told to leave, or dies with its zygote: its number can be had at once when it has left.
    void excuse(std::uint32_t holder);
    /// Its worker is dead. `has_worked`: it began a message, so it is replaced at once, too. Returns for how long the
    /// number cannot be had.
    Duration left(std::uint32_t holder, bool has_worked, TimePoint now);

private:
    struct Number {
        std::uint32_t holder = 0;  // 0: free
        bool excused = false;
        bool was_ready = false;    // its holder, or the one before
        RespawnPolicy respawn{kCalm};
        TimePoint not_before{};    // while it is free
    };
    Number* find(std::uint32_t holder);

    RespawnPolicy starts_;            // of all that die before they are ready
    TimePoint no_start_before_{};
    std::vector<Number> numbers_;  // that were ever given out; the first is 1
};

}  // namespace pythonfilter
