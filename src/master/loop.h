// Owning wrappers of libev: a Loop (never the default loop: that one reaps every child), and watchers that stop when
// they are destroyed. Callbacks must not throw. Watchers may be destroyed inside their own callback.
#pragma once

#include "base/clock.h"

#include <ev.h>
#include <functional>
#include <vector>

namespace pythonfilter {

class MemoryWatch;

class Loop {
public:
    Loop();
    ~Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    void run();
    void stop();
    /// Until `moment` it looks for events again and again, and lets others run in between, instead of sleeping: for an
    /// event that comes sooner than a processor falls asleep and is woken up. Only may_sleep() ends it sooner,
    /// no event does. Does nothing where the process may use but one processor.
    void stay_awake(TimePoint moment);
    void may_sleep() { ev_idle_stop(loop_, &awake_); }
    /// Counts how often it has looked for events.
    unsigned round() const { return ev_iteration(loop_); }
    struct ev_loop* raw() { return loop_; }

private:
    friend class MemoryWatch;

    void look();
    void begin_wait();
    void end_wait();

    struct ev_loop* loop_;
    ev_periodic never_;
    ev_idle awake_;  // while it is active, libev does not wait
    TimePoint awake_until_;
    ev_prepare before_wait_;            // active while there are watches of memory
    ev_async no_wait_;                  // ends a wait at once
    std::vector<MemoryWatch*> memory_;  // null: stopped
    bool waits_ = false;
};

/// Of events that came in one round, those of other watchers are called back first.
inline constexpr int kAfterOthers = -1;

/// Calls back when `fd` (lent; must stay open while the watch lives) can be read (EV_READ) or written (EV_WRITE).
class IoWatch {
public:
    IoWatch(Loop& loop, int fd, int events, std::function<void()> callback, int priority = 0);
    ~IoWatch() { stop(); }
    IoWatch(const IoWatch&) = delete;
    IoWatch& operator=(const IoWatch&) = delete;

    void start();
    void stop();
    const std::function<void()>& callback() const { return callback_; }

private:
    struct ev_loop* loop_;
    ev_io io_;
    std::function<void()> callback_;
};

/// Calls back once, at or after a moment.
class Timer {
public:
    Timer(Loop& loop, std::function<void()> callback);
    ~Timer() { stop(); }
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;

    void start(Duration after);
    void start_at(TimePoint moment) { start(moment - Clock::now()); }
    void stop();
    bool active() const;
    const std::function<void()>& callback() const { return callback_; }

private:
    struct ev_loop* loop_;
    ev_timer timer_;
    std::function<void()> callback_;
};

/// A Timer for a moment that is mostly moved before it comes: that costs nothing, but it may call back too early, and
/// whoever is called says again until when.
class Alarm {
public:
    Alarm(Loop& loop, std::function<void()> callback);

    /// It calls back at `moment` at the latest.
    void by(TimePoint moment);
    void stop();

private:
    std::function<void()> callback_;
    TimePoint moment_ = TimePoint::max();  // of timer_; max: it is not active
    Timer timer_;
};

/// For what another process writes into memory that it shares with this one: looked for before each wait. Only a loop
/// that sleeps must be woken.
class MemoryWatch {
public:
    struct Callbacks {
        std::function<void()> look;       // before each wait: takes what is there
        std::function<void()> say;        // before each wait, behind all else: wakes the other, if it must be
        std::function<bool()> will_wait;  // from now on the other must wake this loop; whether there is something now
        std::function<void()> woke_up;    // it need not any more
    };
    MemoryWatch(Loop& loop, Callbacks callbacks) : loop_(loop), callbacks_(std::move(callbacks)) {}
    ~MemoryWatch() { stop(); }
    MemoryWatch(const MemoryWatch&) = delete;
    MemoryWatch& operator=(const MemoryWatch&) = delete;

    void start();
    /// The other keeps to what it was told last.
    void stop();

private:
    friend class Loop;

    Loop& loop_;
    Callbacks callbacks_;
    bool active_ = false;
};

class SignalWatch {
public:
    SignalWatch(Loop& loop, int signal, std::function<void()> callback);
    ~SignalWatch();
    SignalWatch(const SignalWatch&) = delete;
    SignalWatch& operator=(const SignalWatch&) = delete;

private:
    struct ev_loop* loop_;
    ev_signal signal_;
    std::function<void()> callback_;
};

/// Calls back before the loop waits: once for all that one round of events caused.
class BeforeWait {
public:
    BeforeWait(Loop& loop, std::function<void()> callback);
    ~BeforeWait();
    BeforeWait(const BeforeWait&) = delete;
    BeforeWait& operator=(const BeforeWait&) = delete;

private:
    struct ev_loop* loop_;
    ev_prepare prepare_;
    std::function<void()> callback_;
};

}  // namespace pythonfilter
