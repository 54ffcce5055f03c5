// RunCpu: the CPU time that one run of a filter takes. To ask the kernel before and after a run costs as much as a
// filter that does nothing; so behind a quick run it is not asked, and the next one, when it is quick as well, counts
// with all of its time. One that is not counts at most what the worker has used since the kernel was asked last, which
// is never long ago: less than a millisecond too much, once. Used by the task runner.
#pragma once

#include "base/clock.h"

#include <algorithm>

namespace pythonfilter {

class RunCpu {
public:
    /// `read`: the CPU time used so far.
    explicit RunCpu(Duration (*read)() = thread_cpu_time) : read_(read) {}

    void begin() {
        exact_ = !quick_ || unread_ >= kMostUnread;
        if (exact_) ask();
    }

    /// The run took so long. Returns its CPU time.
    Duration end(Duration wall) {
        quick_ = wall <= kQuick;
        if (quick_ && !exact_) {
            ++unread_;
            return wall;
        }
        const Duration before = last_;
        ask();
        return std::min(wall, last_ - before);
    }

private:
    static constexpr Duration kQuick = 50us;
    static constexpr int kMostUnread = 30;

    void ask() {
        last_ = read_();
        unread_ = 0;
    }

    Duration (*read_)();
    Duration last_{};     // what was read last
    int unread_ = 0;      // quick runs since then
    bool quick_ = false;  // the last run
    bool exact_ = true;   // the one that runs
};

}  // namespace pythonfilter
