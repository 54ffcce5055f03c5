#include "master/loop.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <sched.h>
#include <utility>

namespace pythonfilter {
namespace {

constexpr ev_tstamp kFarAway = 4e9;  // seconds since 1970: in 2096

// The callback is copied before the call: it may destroy its own watcher. Signal and prepare watchers live as long as
// the loop and are called in place.
template <class Watch>
void call_copy(void* watch) {
    const std::function<void()> callback = static_cast<Watch*>(watch)->callback();
    callback();
}

Loop& of(struct ev_loop* loop) { return *static_cast<Loop*>(ev_userdata(loop)); }

// That this process may use.
bool has_several_processors() {
    static const bool has = [] {
        cpu_set_t set;
        return sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 1;
    }();
    return has;
}

}  // namespace

Loop::Loop() : loop_(ev_loop_new(EVFLAG_AUTO)) {
    if (loop_ == nullptr) {
        std::fputs("pythonfilter: libev finds no way to wait for events on this system\n", stderr);
        std::abort();
    }
    // With a moment of the calendar to wait for, libev is told by the kernel when the clock is set; without it wakes up
    // each minute to look.
    ev_periodic_init(&never_, [](struct ev_loop*, ev_periodic*, int) {}, kFarAway, 0., nullptr);
    ev_periodic_start(loop_, &never_);
    ev_idle_init(&awake_, [](struct ev_loop* loop, ev_idle* idle, int) {
        if (Clock::now() >= static_cast<Loop*>(idle->data)->awake_until_) ev_idle_stop(loop, idle);
        else sched_yield();
    });
    awake_.data = this;
    ev_async_init(&no_wait_, [](struct ev_loop*, ev_async*, int) {});
    ev_prepare_init(&before_wait_, [](struct ev_loop*, ev_prepare* watch, int) {
        static_cast<Loop*>(watch->data)->look();
    });
    ev_set_priority(&before_wait_, EV_MAXPRI);
    before_wait_.data = this;
    ev_set_userdata(loop_, this);
    ev_set_loop_release_cb(loop_, [](struct ev_loop* loop) noexcept { of(loop).begin_wait(); },
                           [](struct ev_loop* loop) noexcept { of(loop).end_wait(); });
}
Loop::~Loop() { ev_loop_destroy(loop_); }
void Loop::run() { ev_run(loop_, 0); }
void Loop::stop() { ev_break(loop_, EVBREAK_ALL); }
void Loop::stay_awake(TimePoint moment) {
    if (!has_several_processors()) return;
    awake_until_ = moment;
    ev_idle_start(loop_, &awake_);
}

// Watches may stop, and start, while they are called.
void Loop::look() {
    for (std::size_t i = 0; i < memory_.size(); ++i) {
        if (memory_[i]) memory_[i]->callbacks_.look();
    }
    std::erase(memory_, nullptr);
    if (memory_.empty()) ev_prepare_stop(loop_, &before_wait_);
}

// libev has decided how long it waits; only an event ends that.
void Loop::begin_wait() {
    for (MemoryWatch* watch : memory_) {
        if (watch) watch->callbacks_.say();
    }
    if (ev_is_active(&awake_)) return;
    waits_ = true;
    for (MemoryWatch* watch : memory_) {
        if (watch && watch->callbacks_.will_wait()) ev_async_send(loop_, &no_wait_);
    }
}

void Loop::end_wait() {
    if (!std::exchange(waits_, false)) return;
    for (MemoryWatch* watch : memory_) {
        if (watch) watch->callbacks_.woke_up();
    }
}

void MemoryWatch::start() {
    if (std::exchange(active_, true)) return;
    loop_.memory_.push_back(this);
    ev_prepare_start(loop_.loop_, &loop_.before_wait_);
    ev_async_start(loop_.loop_, &loop_.no_wait_);
}

void MemoryWatch::stop() {
    if (!std::exchange(active_, false)) return;
    std::replace(loop_.memory_.begin(), loop_.memory_.end(), this, static_cast<MemoryWatch*>(nullptr));
}

IoWatch::IoWatch(Loop& loop, int fd, int events, std::function<void()> callback, int priority)
    : loop_(loop.raw()), callback_(std::move(callback)) {
    ev_io_init(&io_, [](struct ev_loop*, ev_io* io, int) { call_copy<IoWatch>(io->data); },
               fd, events);
    ev_set_priority(&io_, priority);
    io_.data = this;
    start();
}
void IoWatch::start() { ev_io_start(loop_, &io_); }
void IoWatch::stop() { ev_io_stop(loop_, &io_); }

Timer::Timer(Loop& loop, std::function<void()> callback) : loop_(loop.raw()), callback_(std::move(callback)) {
    ev_timer_init(&timer_, [](struct ev_loop*, ev_timer* timer, int) { call_copy<Timer>(timer->data); },
                  0., 0.);
    timer_.data = this;
}
void Timer::start(Duration after) {
    stop();
    // libev counts from the loop's own idea of now, which is as old as this round of events.
    const double late = ev_time() - ev_now(loop_);
    ev_timer_set(&timer_, std::max(0., to_seconds(after)) + late, 0.);
    ev_timer_start(loop_, &timer_);
}
void Timer::stop() { ev_timer_stop(loop_, &timer_); }
bool Timer::active() const { return ev_is_active(&timer_); }

Alarm::Alarm(Loop& loop, std::function<void()> callback)
    : callback_(std::move(callback)), timer_(loop, [this] {
          moment_ = TimePoint::max();
          const auto copy = callback_;  // it may destroy this
          copy();
      }) {}
void Alarm::by(TimePoint moment) {
    if (moment >= moment_) return;
    moment_ = moment;
    timer_.start_at(moment);
}
void Alarm::stop() {
    moment_ = TimePoint::max();
    timer_.stop();
}

SignalWatch::SignalWatch(Loop& loop, int signal, std::function<void()> callback)
    : loop_(loop.raw()), callback_(std::move(callback)) {
    ev_signal_init(
        &signal_, [](struct ev_loop*, ev_signal* watch, int) { static_cast<SignalWatch*>(watch->data)->callback_(); },
        signal);
    signal_.data = this;
    ev_signal_start(loop_, &signal_);
}
SignalWatch::~SignalWatch() { ev_signal_stop(loop_, &signal_); }

BeforeWait::BeforeWait(Loop& loop, std::function<void()> callback) : loop_(loop.raw()), callback_(std::move(callback)) {
    ev_prepare_init(
        &prepare_, [](struct ev_loop*, ev_prepare* watch, int) { static_cast<BeforeWait*>(watch->data)->callback_(); });
    prepare_.data = this;
    ev_prepare_start(loop_, &prepare_);
}
BeforeWait::~BeforeWait() { ev_prepare_stop(loop_, &prepare_); }

}  // namespace pythonfilter
