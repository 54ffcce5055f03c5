// RespawnPolicy decides when a child that died is started again. One object follows one child and its successors; the
// guardian asks it about the master, a pool about its workers. Pure: the time is an argument, it starts nothing.
//
// A child that dies before it was ready will most likely do so again: the delay doubles, from kFirstDelay to kMaxDelay.
// One that dies after it was ready lost a message, not its ability to start: it is replaced at once. If that happens
// more than kFreeReplacements times in a row, each within `calm` of being ready, it backs off as well; a child that was
// ready for so long makes all forgotten.
#pragma once

#include "base/clock.h"

#include <optional>

namespace pythonfilter {

class RespawnPolicy {
public:
    static constexpr Duration kFirstDelay = 100ms;
    static constexpr Duration kMaxDelay = 30s;
    static constexpr Duration kCalm = 10s;
    static constexpr int kFreeReplacements = 5;

    explicit RespawnPolicy(Duration calm = kCalm) : calm_(calm) {}

    void started(TimePoint now);
    void became_ready(TimePoint now);
    /// The child of the last started() is dead, or could not be started. Returns how long to wait before the next
    /// start.
    Duration died(TimePoint now);
    /// Forgets everything: the next death is the first (after a reload, or when the administrator asks for a start).
    void reset();

private:
    Duration back_off();

    Duration calm_;
    std::optional<TimePoint> ready_since_;  // of the child that lives now
    Duration delay_{};                      // the last one; zero, or kFirstDelay <= delay_ <= kMaxDelay
    int quick_deaths_ = 0;                  // ready children in a row that lived less than calm_; only reset lowers it
};

}  // namespace pythonfilter
