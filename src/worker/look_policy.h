// LookPolicy: after which filter the worker takes the full look at what was changed, and whether it asks the kernel at
// all. The full look costs more than a filter that does nothing, so a worker under load takes it seldom; but when
// nothing presses, each filter gets its own, and then the log names who did it. A filter that ran for less than half a
// microsecond has made few system calls, and none that starts a process or makes a file: what it did is looked at with
// what comes later. Pure: the time is an argument. Used by TidyUp.
#pragma once

#include "base/clock.h"

#include <algorithm>
#include <utility>

namespace pythonfilter {

/// Of one run of a filter, by a clock that shows so little: clone() and whatever makes or opens a file take longer.
constexpr bool is_brief(Duration wall) { return wall < std::chrono::nanoseconds(500); }

class LookPolicy {
public:
    /// The worker had nothing to do for `pause` before this message.
    void message_began(Duration pause);
    /// A filter ran for `wall`; `brief`: that was too little time to do anything. True when a full look is due now.
    bool filter_ran(Duration wall, bool brief);
    /// It was taken.
    void looked();
    /// Every filter since the message began was that fast.
    bool brief() const { return brief_; }
    /// Whether the kernel is asked after this message.
    bool asks() const { return !brief_ || unasked_ >= kUnasked; }
    /// It was. Returns for how many messages together.
    int asked() {
        const int messages = std::max(1, std::exchange(unasked_, 0));
        return brief_ ? messages : 1;
    }
    /// Something was found, and several filters may have done it: from now on, a look after each.
    void watch() { watched_ = kWatched; }

private:
    static constexpr Duration kPause = std::chrono::milliseconds(5);  // a worker under load never has it
    static constexpr Duration kWork = std::chrono::milliseconds(10);  // a full look took 68 to 90 us: one percent
    static constexpr int kMessages = 100;
    static constexpr int kUnasked = 10;  // brief ones in a row, each of which may have left a descriptor
    static constexpr int kShare = 10, kBriefShare = 1;  // of a message, and of one whose filters were all fast
    static constexpr int kWatched = 100;

    bool paused_ = false;
    bool brief_ = true;
    Duration work_{};      // of filters, since the last look
    int share_ = 0;        // of the messages since the last look
    int unasked_ = 0;      // messages since the kernel was asked
    int watched_ = 0;      // messages for which every filter gets its look
};

}  // namespace pythonfilter
