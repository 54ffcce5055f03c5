// LookPolicy: after which filter the worker takes the full look at what was changed. The full look costs more than a
// filter that does nothing, so a worker under load takes it seldom; but when nothing presses, each filter gets its own,
// and then the log names who did it. Pure: the time is an argument. Used by TidyUp.
#pragma once

#include "base/clock.h"

namespace pythonfilter {

class LookPolicy {
public:
    /// The worker had nothing to do for `pause` before this message.
    void message_began(Duration pause);
    /// A filter ran for `wall`. True when a full look is due now.
    bool filter_ran(Duration wall);
    /// It was taken.
    void looked();
    /// Something was found, and several filters may have done it: from now on, a look after each.
    void watch() { watched_ = kWatched; }

private:
    static constexpr Duration kPause = std::chrono::milliseconds(1);  // a worker under load never has it
    static constexpr Duration kWork = std::chrono::milliseconds(10);  // a full look took 68 to 90 us: one percent
    static constexpr int kMessages = 100;
    static constexpr int kWatched = 100;

    bool paused_ = false;
    Duration work_{};      // of filters, since the last look
    int messages_ = 0;     // since the last look
    int watched_ = 0;      // messages for which every filter gets its look
};

}  // namespace pythonfilter
