#include "base/latency_histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace pythonfilter {

// A quarter of an octave is the step between the bounds 4/4, 5/4, 6/4, 7/4 of a power of two: no logarithm is needed.
std::size_t LatencyHistogram::bucket_of(Duration taken) {
    if (taken.count() <= static_cast<std::int64_t>(kUnit)) return 0;
    const auto units = (static_cast<std::uint64_t>(taken.count()) * kPerOctave + kUnit - 1) / kUnit;  // > kPerOctave
    const auto octave = static_cast<std::size_t>(std::bit_width((units - 1) / kPerOctave)) - 1;
    const std::size_t quarter = ((units - 1) >> octave) - kPerOctave;  // 0..3
    return std::min(octave * kPerOctave + quarter + 1, kBuckets - 1);
}

void LatencyHistogram::add(Duration taken) {
    constexpr Duration last = upper_bound(kBuckets - 1);
    taken = std::clamp(taken, Duration(0), last);
    ++buckets_[bucket_of(taken)];
    ++count_;
    sum_ = sum_ > Duration::max() - taken ? Duration::max() : sum_ + taken;
}

Duration LatencyHistogram::mean() const {
    return count_ == 0 ? Duration(0) : Duration(sum_.count() / static_cast<std::int64_t>(count_));
}

Duration LatencyHistogram::percentile(double share) const {
    const auto wanted = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_)));
    std::uint64_t seen = 0;
    for (std::size_t bucket = 0; bucket < kBuckets; ++bucket) {
        seen += buckets_[bucket];
        if (seen >= std::max<std::uint64_t>(wanted, 1)) return upper_bound(bucket);
    }
    return Duration(0);
}

}  // namespace pythonfilter
