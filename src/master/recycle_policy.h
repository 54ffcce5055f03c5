// RecyclePolicy: whether a worker has served long enough to be replaced by a fresh one. One object for each pool. Pure:
// what the worker holds comes as an argument, it starts and stops nothing. One worker of a pool at a time is the pool's
// business.
//
// The floor: memory is looked at after every kLookEvery messages of a worker only, and a limit that a worker exceeds
// before its first message is not heeded any more. A wrong limit costs one new worker in kLookEvery messages at most.
#pragma once

#include "config/config.h"

#include <cstdint>
#include <optional>
#include <string>

namespace pythonfilter {

class RecyclePolicy {
public:
    static constexpr int kLookEvery = 20;

    explicit RecyclePolicy(const RecycleConfig& config) : config_(config) {}

    /// Whether rss is worth measuring for a worker that has served so many messages.
    bool wants_rss(int served) const { return config_.rss && !rss_is_wrong_ && served % kLookEvery == 0; }
    /// Of a worker that has just become ready. What the log should tell, once: the limit is not heeded.
    std::optional<std::string> fresh(ByteSize rss);
    /// Why the worker is to be replaced. `rss`: when it was measured.
    std::optional<std::string> reason(int served, std::optional<ByteSize> rss) const;

private:
    RecycleConfig config_;
    bool rss_is_wrong_ = false;  // a fresh worker exceeds the limit
};

}  // namespace pythonfilter
