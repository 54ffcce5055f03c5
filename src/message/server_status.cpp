#include "message/server_status.h"

#include <array>

namespace pythonfilter {
namespace {

constexpr std::size_t kFirstOctave = 8;   // 256 us
constexpr std::size_t kLastOctave = 28;   // 268 s

std::size_t bucket_of(std::size_t bound) { return (kFirstOctave + bound) * LatencyHistogram::kPerOctave; }

auto make_bounds() {
    std::array<double, kLastOctave - kFirstOctave + 1> bounds{};
    for (std::size_t i = 0; i < bounds.size(); ++i) bounds[i] = to_seconds(LatencyHistogram::upper_bound(bucket_of(i)));
    return bounds;
}

}  // namespace

std::span<const double> latency_bounds() {
    static const auto bounds = make_bounds();
    return bounds;
}

LatencyStats latency_stats(const LatencyHistogram& histogram) {
    LatencyStats stats;
    stats.count = histogram.count();
    stats.sum_seconds = to_seconds(histogram.sum());
    std::size_t bucket = 0;
    std::uint64_t so_far = 0;
    for (std::size_t i = 0; i < latency_bounds().size(); ++i) {
        for (; bucket <= bucket_of(i); ++bucket) so_far += histogram.count_in(bucket);
        stats.at_most.push_back(so_far);
    }
    return stats;
}

bool ServerStatus::healthy() const {
    if (state != "serving" || !problems.empty()) return false;
    for (const PoolStatus& pool : pools) {
        if (pool.generation == generation && pool.state != "serving") return false;
    }
    return true;
}

}  // namespace pythonfilter
