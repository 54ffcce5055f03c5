#include "master/breakers.h"

#include <algorithm>

namespace pythonfilter {

Breakers::Breakers(const Config& config, const Reporter& report) {
    for (const FilterConfig& filter : config.filters) {
        breakers_.emplace_back(
            config.pools.at(filter.pool.name).breaker,
            [this, report, name = filter.filter](Breaker::State before, Breaker::State now, const std::string& why) {
                if (now == Breaker::State::open && before == Breaker::State::closed) ++opened_;
                report(LogLevel::warning, "filter " + name + ": breaker " + std::string(to_string(before)) + " -> " +
                                              std::string(to_string(now)) + ": " + why);
            });
    }
}

Breakers::Filters Breakers::begin(const Filters& filters, TimePoint now) {
    Filters probes;
    for (const std::uint32_t filter : filters) {
        if (breakers_[filter].begin(now)) probes.push_back(filter);
    }
    return probes;
}

std::uint64_t Breakers::came_back(const Filters& probes, const JobResult& result, TimePoint now) {
    const std::uint64_t opened_before = opened_;
    Filters open_probes = probes;
    const auto is_probe = [&](std::uint32_t filter) { return std::erase(open_probes, filter) > 0; };
    const bool answered = result.kind == JobResult::Kind::outcome;
    const bool timed_out = result.kind == JobResult::Kind::timed_out;
    if (timed_out || (result.kind == JobResult::Kind::crashed && !result.zygote_died)) {
        const bool probe = is_probe(result.filter);
        breakers_[result.filter].failed(probe, timed_out ? "timeout" : "crash", now);
    }
    static const std::vector<FilterRun> none;
    const auto& runs = answered ? result.outcome.runs : result.progress ? result.progress->runs : none;
    for (const FilterRun& run : runs) {
        if (!answered && run.filter == result.filter) continue;  // the first of its two hooks came through
        breakers_[run.filter].succeeded(is_probe(run.filter));
    }
    for (const std::uint32_t filter : open_probes) breakers_[filter].not_reached(now);
    return opened_ - opened_before;
}

}  // namespace pythonfilter
