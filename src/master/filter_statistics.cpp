#include "master/filter_statistics.h"

#include <algorithm>
#include <set>

namespace pythonfilter {
namespace {

double milliseconds(Duration d) { return to_seconds(d) * 1000; }

// What a worker says may be any number.
Duration duration_of(std::uint64_t ns) {
    return Duration(static_cast<std::int64_t>(std::min<std::uint64_t>(ns, static_cast<std::uint64_t>(INT64_MAX))));
}

}  // namespace

void FilterStatistics::ran(const std::string& filter, const FilterRun& run) {
    Numbers& numbers = filters_[filter];
    numbers.wall.add(duration_of(run.wall_ns));
    numbers.hour.ran(duration_of(run.wall_ns));
    numbers.cpu_seconds += to_seconds(duration_of(run.cpu_ns));
}

void FilterStatistics::decided(const std::string& filter, Verdict verdict) {
    Numbers& numbers = filters_[filter];
    ++numbers.decided[static_cast<std::size_t>(verdict)];
    numbers.hour.decided(verdict);
}

void FilterStatistics::failed(const std::string& filter, FailureEvent event) {
    Numbers& numbers = filters_[filter];
    ++numbers.failed[static_cast<std::size_t>(event)];
    numbers.hour.failed();
}

std::vector<FilterStats> FilterStatistics::describe(const std::vector<std::string>& chain) const {
    std::vector<FilterStats> result;
    std::set<std::string> told;
    const Numbers none;
    for (const std::string& name : chain) {
        if (!told.insert(name).second) continue;
        const auto found = filters_.find(name);
        result.push_back(describe(name, found == filters_.end() ? none : found->second));
    }
    std::set<std::string> others;
    for (const auto& [name, numbers] : filters_) {
        if (!told.contains(name)) others.insert(name);
    }
    for (const std::string& name : others) result.push_back(describe(name, filters_.at(name)));
    return result;
}

void FilterStatistics::describe(ServerTimes& times) const {
    for (const auto& [name, numbers] : filters_) times.filters[name] = latency_stats(numbers.wall);
}

void FilterStatistics::describe(ServerHour& hour) const {
    for (const auto& [name, numbers] : filters_) {
        if (!numbers.hour.is_empty()) hour.filters[name] = numbers.hour.minutes();
    }
}

void FilterStatistics::minute_ended() {
    for (auto& [name, numbers] : filters_) numbers.hour.minute_ended();
}

FilterStats FilterStatistics::describe(const std::string& name, const Numbers& numbers) {
    const auto events = [&](FailureEvent event) { return numbers.failed[static_cast<std::size_t>(event)]; };
    const auto verdicts = [&](Verdict verdict) { return numbers.decided[static_cast<std::size_t>(verdict)]; };
    FilterStats stats;
    stats.name = name;
    stats.runs = numbers.wall.count();
    stats.accepted = verdicts(Verdict::accept);
    stats.deferred = verdicts(Verdict::defer);
    stats.rejected = verdicts(Verdict::reject);
    stats.errors = events(FailureEvent::exception) + events(FailureEvent::exit);
    stats.timeouts = events(FailureEvent::timeout);
    stats.crashes = events(FailureEvent::crash);
    stats.bad_replies = events(FailureEvent::bad_reply) + events(FailureEvent::not_a_string);
    stats.unavailable = events(FailureEvent::unavailable);
    stats.mean_ms = milliseconds(numbers.wall.mean());
    stats.p50_ms = milliseconds(numbers.wall.percentile(0.5));
    stats.p99_ms = milliseconds(numbers.wall.percentile(0.99));
    stats.cpu_seconds = numbers.cpu_seconds;
    if (stats.runs > 0) stats.cpu_ms = numbers.cpu_seconds * 1000 / static_cast<double>(stats.runs);
    return stats;
}

}  // namespace pythonfilter
