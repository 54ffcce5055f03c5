// PoolHistory: what became of the workers of a pool, by their label, for whoever looks at the server. Pure; decides
// nothing.
#pragma once

#include "base/clock.h"

#include <cstdint>
#include <set>
#include <string>
#include <unordered_map>

namespace pythonfilter {

class PoolHistory {
public:
    struct Label {
        std::uint64_t ended = 0;   // processes of it; only grows
        std::string last_failure;  // escaped; empty: none
        TimePoint failed_at{};
    };

    /// The worker in this slot leaves because it is told to: its end will be no failure.
    void leaves(std::uint32_t slot) { leaving_.insert(slot); }
    /// True when that was a failure.
    bool ended(std::uint32_t slot, const std::string& label, std::string reason, TimePoint now) {
        Label& its = labels_[label];
        ++its.ended;
        if (leaving_.erase(slot) > 0) return false;
        its.last_failure = std::move(reason);
        its.failed_at = now;
        return true;
    }
    Label of(const std::string& label) const {
        const auto found = labels_.find(label);
        return found == labels_.end() ? Label{} : found->second;
    }

private:
    std::set<std::uint32_t> leaving_;
    std::unordered_map<std::string, Label> labels_;  // as many as the pool ever had workers at a time
};

}  // namespace pythonfilter
