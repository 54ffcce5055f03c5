// FilterStatistics: for each filter how often it ran, what it decided, how it failed and how long it took, over all
// generations since the start. Told by the router; one look-up by name for each, and no allocation after the first.
#pragma once

#include "base/latency_histogram.h"
#include "config/policy.h"
#include "master/last_hour.h"
#include "message/frames.h"
#include "message/reply.h"
#include "message/server_status.h"

#include <array>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace pythonfilter {

class FilterStatistics {
public:
    void ran(const std::string& filter, const FilterRun& run);
    void decided(const std::string& filter, Verdict verdict);
    void failed(const std::string& filter, FailureEvent event);

    /// Those of `chain` first and in its order, also if they have not run yet; then those that are no part of it now.
    std::vector<FilterStats> describe(const std::vector<std::string>& chain) const;

    /// Of all filters.
    void describe(ServerTimes& times) const;
    /// Of those that were seen in the last hour.
    void describe(ServerHour& hour) const;
    void minute_ended();

private:
    struct Numbers {
        LatencyHistogram wall;
        LastHour hour;
        double cpu_seconds = 0;                          // sum
        std::array<std::uint64_t, 3> decided{};          // by Verdict
        std::array<std::uint64_t, kFailureEvents> failed{};  // by FailureEvent
    };
    static FilterStats describe(const std::string& name, const Numbers& numbers);

    std::unordered_map<std::string, Numbers> filters_;
};

}  // namespace pythonfilter
