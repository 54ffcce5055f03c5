// Breakers: one Breaker for each filter of a generation, told in the router's words: which filters a dispatch begins,
// and what came back of it. Pure. It logs each change, and counts those to open.
#pragma once

#include "master/breaker.h"
#include "master/job.h"
#include "master/reporter.h"
#include "message/route.h"

#include <cstdint>
#include <vector>

namespace pythonfilter {

class Breakers {
public:
    using Filters = std::vector<std::uint32_t>;  // chain indexes

    Breakers(const Config& config, const Reporter& report);
    Breakers(const Breakers&) = delete;  // the callbacks of its parts point here
    Breakers& operator=(const Breakers&) = delete;

    bool refuses(std::uint32_t filter, TimePoint now) const { return breakers_[filter].refuses(now); }
    Breaker::State state(std::uint32_t filter) const { return breakers_[filter].state(); }
    /// These go to a worker. Returns those for which it is the probe: to be given back with the result.
    Filters begin(const Filters& filters, TimePoint now);
    /// Returns how many opened.
    std::uint64_t came_back(const Filters& probes, const JobResult& result, TimePoint now);

private:
    std::vector<Breaker> breakers_;  // by chain index
    std::uint64_t opened_ = 0;       // how often one did; only grows
};

}  // namespace pythonfilter
