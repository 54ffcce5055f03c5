#include "master/breaker.h"

#include "config/option_text.h"

#include <algorithm>
#include <utility>

namespace pythonfilter {

bool Breaker::refuses(TimePoint now) const {
    switch (state_) {
        case State::closed: return false;
        case State::open: return now < next_probe_;
        case State::probing: return true;
    }
    return false;
}

bool Breaker::begin(TimePoint now) {
    if (state_ != State::open || refuses(now)) return false;
    enter(State::probing, "the pause is over, one message tries it");
    return true;
}

// While it is open, messages may come back that were given to the filter before: they decide nothing.
void Breaker::succeeded(bool probe) {
    if (state_ == State::closed) failures_.clear();
    if (!probe) return;
    pause_ = limits_.pause;
    enter(State::closed, "the filter came through a message");
}

void Breaker::failed(bool probe, std::string_view event, TimePoint now) {
    if (probe) {
        pause_ = std::min(2 * pause_, std::max(kLongestPause, limits_.pause));
        open(std::string(event) + " again", now);
        return;
    }
    if (state_ != State::closed || limits_.failures == 0) return;
    failures_.push_back(now);
    while (now - failures_.front() > limits_.window) failures_.pop_front();
    if (failures_.size() < static_cast<std::size_t>(limits_.failures)) return;
    failures_.clear();
    open(std::to_string(limits_.failures) + " failures in a row, the last one a " + std::string(event), now);
}

void Breaker::not_reached(TimePoint now) {
    next_probe_ = now + std::min(kNextProbe, pause_);
    enter(State::open, "the message ended before it came to the filter");
}

void Breaker::open(const std::string& why, TimePoint now) {
    next_probe_ = now + pause_;
    enter(State::open, why + "; next try in " + format_duration(pause_));
}

void Breaker::enter(State state, const std::string& why) {
    const State before = std::exchange(state_, state);
    changed_(before, state, why);
}

std::string_view to_string(Breaker::State state) {
    switch (state) {
        case Breaker::State::closed: return "closed";
        case Breaker::State::open: return "open";
        case Breaker::State::probing: return "probing";
    }
    return "unknown";
}

}  // namespace pythonfilter
