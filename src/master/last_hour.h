// LastHour: what was seen in each of the last sixty minutes, in a fixed size (some 4 KiB). The minute that runs has a
// whole histogram; of one that is over two percentiles remain. Asks no clock: its owner says when a minute is over.
// Pure; the calls that stand in the path of a message allocate nothing.
#pragma once

#include "base/latency_histogram.h"
#include "message/reply.h"
#include "message/server_status.h"

#include <array>
#include <cstddef>
#include <vector>

namespace pythonfilter {

class LastHour {
public:
    static constexpr std::size_t kMinutes = 60;

    void ran(Duration taken) { times_.add(taken); }
    void decided(Verdict verdict);
    void failed() { ++now_.failed; }
    void minute_ended();
    /// Nothing was seen.
    bool is_empty() const;
    /// All kMinutes, the oldest first; the last one runs.
    std::vector<MinuteStats> minutes() const;

private:
    MinuteStats running() const;

    std::array<MinuteStats, kMinutes - 1> ended_{};
    std::size_t oldest_ = 0;  // in ended_; the next to be overwritten
    MinuteStats now_;         // what is counted of the minute that runs
    LatencyHistogram times_;  // of it
};

}  // namespace pythonfilter
