#include "base/latency_histogram.h"

#include <doctest/doctest.h>

using namespace pythonfilter;

TEST_CASE("latency: every duration falls into the first bucket whose bound it does not exceed") {
    for (std::size_t bucket = 1; bucket + 1 < LatencyHistogram::kBuckets; ++bucket) {
        const Duration bound = LatencyHistogram::upper_bound(bucket);
        CAPTURE(bucket);
        CHECK(LatencyHistogram::bucket_of(bound) == bucket);
        CHECK(LatencyHistogram::bucket_of(bound + 1ns) == bucket + 1);
        CHECK(LatencyHistogram::upper_bound(bucket - 1) < bound);
        CHECK(bound.count() <= LatencyHistogram::upper_bound(bucket - 1).count() * 5 / 4 + 1);
    }
    CHECK(LatencyHistogram::bucket_of(0ns) == 0);
    CHECK(LatencyHistogram::bucket_of(-5ns) == 0);
    CHECK(LatencyHistogram::bucket_of(1us) == 0);
    CHECK(LatencyHistogram::bucket_of(Duration::max()) == LatencyHistogram::kBuckets - 1);
    CHECK(LatencyHistogram::upper_bound(LatencyHistogram::kBuckets - 1) > 10min);
}

TEST_CASE("latency: an empty histogram has a mean and percentiles of 0") {
    const LatencyHistogram none;
    CHECK(none.count() == 0);
    CHECK(none.mean() == 0s);
    CHECK(none.percentile(0.99) == 0s);
}

TEST_CASE("latency: mean is exact, percentiles are at most a quarter too high") {
    LatencyHistogram histogram;
    for (int i = 1; i <= 1000; ++i) histogram.add(i * 1ms);
    CHECK(histogram.count() == 1000);
    CHECK(histogram.mean() == 500'500us);
    for (const double share : {0.01, 0.5, 0.9, 0.99, 1.0}) {
        const Duration exact = static_cast<std::int64_t>(share * 1000) * 1ms;
        CAPTURE(share);
        CHECK(histogram.percentile(share) >= exact);
        CHECK(histogram.percentile(share) <= exact * 5 / 4);
    }
    CHECK(histogram.percentile(0) <= 1250us);
}

TEST_CASE("latency: what a worker makes up is counted within the bounds") {
    LatencyHistogram histogram;
    for (int i = 0; i < 100'000; ++i) histogram.add(Duration::max());
    histogram.add(Duration::min());
    CHECK(histogram.mean() > 0s);
    CHECK(histogram.mean() <= LatencyHistogram::upper_bound(LatencyHistogram::kBuckets - 1));
}
