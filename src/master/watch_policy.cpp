#include "master/watch_policy.h"

#include "config/option_text.h"

#include <algorithm>

namespace pythonfilter {

WatchPolicy::WatchPolicy(WatchLimits limits) : limits_(limits) { make_room({}); }

void WatchPolicy::started(Duration fork_took) {
    slowness_ = static_cast<int>(std::clamp<Duration::rep>(fork_took / kFork, 1, kSlowest));
}

void WatchPolicy::ready(const TreeUsage& usage) {
    base_ = usage;
    make_room(usage);
}

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
    const Duration least = kShare * took_;
    if (crowded_ && grew_) return std::max(kHurry, least);
    // A daemon that stays is no reason to wake up ten times a second.
    return std::max(running_ || grew_ ? kNext : kRare, least);
}

TimePoint WatchPolicy::next_count() const {
    TimePoint next = TimePoint::max();
    if (running_) next = std::max(began_ + kFirst, counted_ + pause());
    else if (left_) next = std::max(ended_ + kFirst, counted_ + pause());
    if (unseen_) next = std::min(next, unseen_since_ + kRare);
    return next;
}

std::optional<Excess> WatchPolicy::counted(const TreeUsage& usage, TimePoint now, Duration took) {
    counted_ = unseen_since_ = now;
    took_ = took;
    unseen_ = running_;
    left_ = usage.processes > base_.processes;
    grew_ = usage.processes > last_processes_;
    last_processes_ = usage.processes;
    make_room(usage);
    if (usage.processes > most_processes()) return no_room(Creation::process);
    if (usage.threads > most_threads()) return no_room(Creation::thread);
    if (!running_ || !limits_.cpu) return std::nullopt;
    if (!cpu_base_) cpu_base_ = usage.cpu;
    cpu_used_ = std::max(cpu_used_, usage.cpu - *cpu_base_);
    if (cpu_used_ <= *limits_.cpu) return std::nullopt;
    return Excess{FailureEvent::timeout, "more than " + format_duration(*limits_.cpu) + " of CPU time (limits.cpu)"};
}

// At least a quarter of a limit: a filter that stays just below it, ending as many as it makes, must not have the whole
// of its tree counted for each.
void WatchPolicy::make_room(const TreeUsage& usage) {
    const auto room = [](int most, int is, int limit) { return is > most ? 0 : std::max(most - is, limit / 4); };
    room_for_processes_ = room(most_processes(), usage.processes, limits_.children);
    room_for_threads_ = room(most_threads(), usage.threads, limits_.threads);
    const int few = std::max(kFew, limits_.children / 16) / slowness_;
    crowded_ = usage.processes > base_.processes + few;
    if (crowded_) return;
    const int until_crowded = room(base_.processes + few + 1, usage.processes, few);
    room_for_processes_ = std::min(room_for_processes_, until_crowded);
}

// A fork that takes long also makes more work for those after it: measured, one pause in proportion was not enough.
TimePoint WatchPolicy::turn_of(Creation kind, TimePoint now) {
    if (!crowded_ || kind == Creation::thread) return now;
    last_turn_ = std::max(now, last_turn_ + slowness_ * slowness_ * kPace);
    return last_turn_;
}

bool WatchPolicy::takes(Creation kind) {
    if (room_for_threads_ == 0 || (kind == Creation::process && room_for_processes_ == 0)) return false;
    --room_for_threads_;  // each process has one
    if (kind == Creation::process) --room_for_processes_;
    return true;
}

Excess WatchPolicy::no_room(Creation kind) const {
    const bool processes = kind == Creation::process && room_for_processes_ == 0;
    return {FailureEvent::crash, "more than " + (processes ? std::to_string(limits_.children) + " processes below its "
                                                             "worker (limits.children)"
                                                           : std::to_string(limits_.threads) +
                                                             " threads (limits.threads)")};
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
