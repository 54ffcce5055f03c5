// Breaker: whether a filter that times out or crashes again and again is still given messages. Pure: the time is an
// argument. One for each filter of a generation, so a new generation starts with all of them closed. The router asks
// it before a dispatch and tells it how the filter fared; what a message gets instead is the failure policy's business.
//
// Only failures in a row count. A filter that fails on a few messages among many is not broken, those messages are; and
// nobody shall switch a filter off by sending it some bad messages between everybody's good ones.
//
// Open, it lets one message through after a pause, the probe: when the filter comes through that, the breaker closes;
// when not, the pause doubles.
#pragma once

#include "base/clock.h"
#include "config/config.h"

#include <deque>
#include <functional>
#include <string>
#include <string_view>

namespace pythonfilter {

class Breaker {
public:
    static constexpr Duration kLongestPause = 10min;  // or the configured one, if that is longer
    static constexpr Duration kNextProbe = 1s;        // after a probe that never reached the filter

    enum class State {
        closed,   // every message is given to the filter
        open,     // none, until the pause is over
        probing,  // one message tries it; none else
    };
    using Changed = std::function<void(State before, State now, const std::string& why)>;

    Breaker(const BreakerConfig& limits, Changed changed)
        : limits_(limits), changed_(std::move(changed)), pause_(limits.pause) {}

    State state() const { return state_; }
    /// The filter must not be run now.
    bool refuses(TimePoint now) const;
    /// A message that is not refused goes to the filter. True: it is the probe, and one of the three calls below must
    /// follow with `probe` set.
    bool begin(TimePoint now);
    void succeeded(bool probe);
    void failed(bool probe, std::string_view event, TimePoint now);
    /// The probe came back and had not reached the filter.
    void not_reached(TimePoint now);

private:
    void enter(State state, const std::string& why);
    void open(const std::string& why, TimePoint now);

    BreakerConfig limits_;
    Changed changed_;
    State state_ = State::closed;
    std::deque<TimePoint> failures_;  // in a row while closed, within the window; fewer than limits_.failures
    Duration pause_;                  // limits_.pause <= pause_; doubles with each probe that fails
    TimePoint next_probe_;            // while open
};

std::string_view to_string(Breaker::State state);

}  // namespace pythonfilter
