#include "master/watch_policy.h"

#include "config/option_text.h"

#include <algorithm>

namespace pythonfilter {

void WatchPolicy::job_began(TimePoint now) {
    if (!unseen_) unseen_since_ = now;
    unseen_ = true;
    running_ = true;
    told_slow_ = false;
    began_ = now;
    cpu_base_.reset();
    cpu_used_ = Duration(0);
}

void WatchPolicy::job_ended(TimePoint now, bool left_children) {
    running_ = false;
    left_ = left_children;
    ended_ = now;
}

Duration WatchPolicy::pause() const {
    if (hurry_) return kHurry;
    return running_ || grew_ ? kNext : kRare;  // a daemon that stays is no reason to wake up ten times a second
}

TimePoint WatchPolicy::next_count() const {
    TimePoint next = TimePoint::max();
    if (running_) next = std::max(began_ + kFirst, counted_ + pause());
    else if (left_) next = std::max(ended_ + kFirst, counted_ + pause());
    if (unseen_) next = std::min(next, unseen_since_ + kRare);
    return next;
}

std::optional<Excess> WatchPolicy::counted(const TreeUsage& usage, TimePoint now) {
    counted_ = unseen_since_ = now;
    unseen_ = running_;
    left_ = usage.processes > base_.processes;
    grew_ = usage.processes > last_processes_;
    last_processes_ = usage.processes;
    hurry_ = usage.processes > base_.processes + limits_.children / 4;
    if (usage.processes > most_processes())
        return Excess{FailureEvent::crash, "more than " + std::to_string(limits_.children) +
                                               " processes below its worker (limits.children)"};
    if (usage.threads > most_threads())
        return Excess{FailureEvent::crash, "more than " + std::to_string(limits_.threads) +
                                               " threads (limits.threads)"};
    if (!running_ || !limits_.cpu) return std::nullopt;
    if (!cpu_base_) cpu_base_ = usage.cpu;
    cpu_used_ = std::max(cpu_used_, usage.cpu - *cpu_base_);
    if (cpu_used_ <= *limits_.cpu) return std::nullopt;
    return Excess{FailureEvent::timeout, "more than " + format_duration(*limits_.cpu) + " of CPU time (limits.cpu)"};
}

// The worker goes on to the next filter without a word, and that one has all of slow_after.
TimePoint WatchPolicy::next_slow(TimePoint slow_time, TimePoint now) const {
    return std::clamp(slow_time, now, now + limits_.slow_after);
}

bool WatchPolicy::is_slow(TimePoint slow_time, TimePoint now) {
    told_slow_ = now >= slow_time;
    return told_slow_;
}

}  // namespace pythonfilter
