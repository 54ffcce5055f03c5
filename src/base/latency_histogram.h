// LatencyHistogram: how long something takes, in a fixed size: counts in buckets whose bounds grow by a quarter of an
// octave, from 1 us to 18 minutes. add() asks no clock and allocates nothing, so it may stand in the path of a
// message. A percentile is the upper bound of its bucket: at most a quarter too high.
#pragma once

#include "base/clock.h"

#include <array>
#include <cstdint>

namespace pythonfilter {

class LatencyHistogram {
public:
    static constexpr std::size_t kPerOctave = 4;
    static constexpr std::size_t kOctaves = 30;
    static constexpr std::size_t kBuckets = kPerOctave * kOctaves + 1;

    /// What is longer than the last bound counts as that.
    void add(Duration taken);

    std::uint64_t count() const { return count_; }
    std::uint64_t count_in(std::size_t bucket) const { return buckets_[bucket]; }
    Duration sum() const { return sum_; }
    Duration mean() const;
    /// So long took `share` (0..1) of all, or less. 0 when there were none.
    Duration percentile(double share) const;

    static std::size_t bucket_of(Duration taken);
    static constexpr Duration upper_bound(std::size_t bucket) {
        const std::uint64_t octave = bucket / kPerOctave, quarter = bucket % kPerOctave;
        return Duration(static_cast<std::int64_t>((kUnit * (kPerOctave + quarter) << octave) / kPerOctave));
    }

private:
    static constexpr std::uint64_t kUnit = 1000;  // nanoseconds: the upper bound of bucket 0

    std::array<std::uint64_t, kBuckets> buckets_{};
    std::uint64_t count_ = 0;  // the sum of buckets_
    Duration sum_{};           // of what was added, each at most the last bound; saturates
};

}  // namespace pythonfilter
