// RunCpu: the CPU time that one run of a filter takes. To ask the kernel before and after a run costs as much as a
// filter that does nothing. So behind a quick run of a filter it is not asked before the next one; when that is quick
// as well, it counts with all of its time. One that is not counts with what the worker has used since the kernel was
// asked last, at most eight runs ago, and never with more than its time: too much, but seldom, and not for the filter's
// next run. Used by the task runner.
#pragma once

#include "base/clock.h"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace pythonfilter {

class RunCpu {
public:
    /// `read`: the CPU time used so far.
    explicit RunCpu(Duration (*read)() = thread_cpu_time) : read_(read) {}

    /// A run of the filter with this index begins.
    void begin(std::uint32_t filter) {
        filter_ = filter;
        if (filter_ >= quick_.size()) quick_.resize(filter_ + 1);
        exact_ = !quick_[filter_] || unread_ >= kMostUnread;
        if (exact_) ask();
    }

    /// It took so long. Returns its CPU time.
    Duration end(Duration wall) {
        quick_[filter_] = wall <= kQuick;
        if (quick_[filter_] && !exact_) {
            ++unread_;
            return wall;
        }
        const Duration before = last_;
        ask();
        return std::min(wall, last_ - before);
    }

private:
    static constexpr Duration kQuick = 50us;
    static constexpr int kMostUnread = 8;

    void ask() {
        last_ = read_();
        unread_ = 0;
    }

    Duration (*read_)();
    Duration last_{};          // what was read last
    int unread_ = 0;           // quick runs since then
    std::vector<char> quick_;  // by filter: its last run
    std::uint32_t filter_ = 0;
    bool exact_ = true;        // the run that goes on
};

}  // namespace pythonfilter
