// LogPace: when the lines that wait are written to the log. Each write wakes up whoever reads it, which costs as much
// as some lines: those that come close behind others are written together. A warning, an error, what a filter prints,
// and the first line after a pause are written at once. Pure: times are arguments. Used by Server.
#pragma once

#include "base/clock.h"

#include <cstddef>

namespace pythonfilter {

class LogPace {
public:
    static constexpr Duration kPause = 10ms;             // so long a line waits; a master that is killed loses it
    static constexpr std::size_t kTogether = 32 * 1024;  // bytes: half of what a pipe holds

    /// A line has come that shall not wait.
    void hurry() { hurries_ = true; }
    /// The `waiting` bytes of lines are to be written now.
    bool is_due(TimePoint now, std::size_t waiting) const { return hurries_ || waiting >= kTogether || now >= due(); }
    /// When they are to be written at the latest.
    TimePoint due() const { return written_ + kPause; }
    /// They have been written, or as many as there was room for.
    void written(TimePoint now) {
        hurries_ = false;
        written_ = now;
    }

private:
    bool hurries_ = false;
    TimePoint written_{};
};

}  // namespace pythonfilter
