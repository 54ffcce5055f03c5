// RecyclePolicy: whether a worker has served long enough to be replaced by a fresh one. One object for each pool. Pure:
// what the worker holds and what time it is come as arguments, it starts and stops nothing. One worker of a pool at a
// time is the pool's business.
//
// The floor: what a worker holds is looked at after every kLookEvery messages of it only, and a limit that a worker
// exceeds before its first message is not heeded any more. A wrong limit costs one new worker in kLookEvery messages at
// most. Workers that were born together do not reach their age together.
#pragma once

#include "base/clock.h"
#include "config/config.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pythonfilter {

class RecyclePolicy {
public:
    static constexpr int kLookEvery = 20;
    static constexpr int kAgeSpread = 4;  // up to one part in so many earlier

    explicit RecyclePolicy(const RecycleConfig& config) : config_(config) {}

    /// What a worker holds, as far as it was measured.
    struct Held {
        std::optional<ByteSize> rss = {};
        std::optional<int> open_files = {};
    };

    /// Whether it is worth measuring for a worker that has served so many messages.
    bool wants_rss(int served) const { return config_.rss && !rss_is_wrong_ && served % kLookEvery == 0; }
    /// The same; the number is what to count to.
    std::optional<int> wants_open_files(int served) const;
    /// Of a worker that has just become ready. What the log should tell, each once: a limit is not heeded.
    std::vector<std::string> fresh(const Held& held);
    /// Why the worker is to be replaced.
    std::optional<std::string> reason(int served, const Held& held) const;

    /// When a worker that is ready since then has reached its age; `id` is another for every worker of the pool.
    std::optional<TimePoint> end_of_life(std::uint32_t id, TimePoint ready_since) const;
    std::string age_reason() const;

private:
    RecycleConfig config_;
    bool rss_is_wrong_ = false;  // a fresh worker exceeds the limit
    bool open_files_is_wrong_ = false;
};

}  // namespace pythonfilter
