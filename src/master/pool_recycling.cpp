// The part of Pool that replaces workers which have served long enough (recycle_policy.h says when), or all of them
// when somebody says so: one at a time, and the old one serves until its replacement is ready. In an exclusive pool it
// leaves first, and the queue holds.
// And what is done about one whose filter takes long.
#include "base/process.h"
#include "config/option_text.h"
#include "master/pool.h"

#include <algorithm>
#include <utility>

namespace pythonfilter {
namespace {

constexpr Duration kAgeStep = 1s;  // between two looks at ages, while one that is over waits for its turn

}  // namespace

RecyclePolicy::Held Pool::look_at(const WorkerSlot& slot) const {
    RecyclePolicy::Held held;
    if (recycle_.wants_rss(slot.served())) {
        if (const auto bytes = resident_bytes(slot.pid())) held.rss = ByteSize{*bytes};
    }
    if (const auto enough = recycle_.wants_open_files(slot.served()))
        held.open_files = count_descriptors(slot.pid(), *enough);
    return held;
}

void Pool::look_at_fresh(const WorkerSlot& slot) {
    for (const std::string& told : recycle_.fresh(look_at(slot)))
        report_(LogLevel::warning, "pool " + options_.name + ": " + told);
    if (!to_age_.active()) look_at_ages();
}

void Pool::look_at_served(const WorkerSlot& slot) {
    if (recycled_ != 0 || slot.served() == 0) return;
    if (auto reason = recycle_.reason(slot.served(), look_at(slot))) begin_recycling(slot, std::move(*reason));
}

// Those without work, too: nothing else would remind the pool of them.
void Pool::look_at_ages() {
    const WorkerSlot* first = nullptr;
    TimePoint moment;
    for (const auto& slot : slots_) {
        const auto end = slot->serves() ? recycle_.end_of_life(slot->id(), slot->ready_since()) : std::nullopt;
        if (!end || (first && *end >= moment)) continue;
        first = slot.get();
        moment = *end;
    }
    if (!first || state_ == State::stopping) return;
    const TimePoint now = Clock::now();
    if (moment <= now && recycled_ == 0) begin_recycling(*first, recycle_.age_reason());
    to_age_.start_at(std::max(moment, now + kAgeStep));
}

void Pool::begin_recycling(const WorkerSlot& slot, std::string reason) {
    recycled_ = slot.id();
    recycle_reason_ = std::move(reason);
    fill();
}

// By the zygote, which knows that the number is still the worker's. Nobody can take it back, so the worker is replaced
// after this message.
void Pool::stand_back(WorkerSlot& slot, std::uint32_t filter) {
    const FilterSpec* spec = keeper_.find_filter(filter);
    const std::string label = "[" + slot.label() + " " + escape(slot.current_message_id()) + "] ";
    const std::string what = "filter " + (spec ? spec->name : "?") + " has run for more than " +
                             format_duration(options_.watch.slow_after) + " (slow_after), the message goes on\n";
    const LogFields fields = worker_fields(slot.label(), slot.current_message_id(), spec ? spec->name : "");
    keeper_.slow({slot.id()});
    slot.trace([this, label, what, fields](const WorkerTrace& trace) {
        const std::string text = trace.text.empty() ? "no traceback: " + trace.missing : trace.text;
        report_lines(report_, LogLevel::warning, label, what + text, fields);
    });
}

// True when the worker, which is idle, has left: an exclusive one at once, any other when its replacement is ready.
// Should it die before, its replacement is the one for that.
bool Pool::end_recycling(WorkerSlot& slot) {
    const int needed = options_.exclusive ? 0 : resize_.size();
    if (slot.id() != recycled_ || count_serving() <= needed) return false;
    std::erase(idle_, &slot);
    retire(slot, std::exchange(recycle_reason_, {}));
    recycle_next();
    return true;
}

void Pool::recycle() {
    recycle_up_to_ = last_slot_;
    recycle_next();
}

// Idle or busy: it leaves when it is idle and its replacement is ready.
void Pool::recycle_next() {
    if (recycled_ != 0 || state_ == State::stopping) return;
    const auto is_due = [&](const auto& each) {
        const auto state = each->state();
        return each->id() <= recycle_up_to_ &&
               (state == WorkerSlot::State::idle || state == WorkerSlot::State::busy);
    };
    const auto found = std::find_if(slots_.begin(), slots_.end(), is_due);
    if (found == slots_.end()) return;
    begin_recycling(**found, "somebody asked for it");
    const bool leaves_now = options_.exclusive && (*found)->state() == WorkerSlot::State::idle;
    if (leaves_now) end_recycling(**found);
}

}  // namespace pythonfilter
