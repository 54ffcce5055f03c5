// The part of Pool that replaces workers which have served long enough (recycle_policy.h says when): one at a time, and
// the old one serves until its replacement is ready. In an exclusive pool it leaves first, and the queue holds.
// And what is done about one whose filter takes long.
#include "base/process.h"
#include "config/option_text.h"
#include "master/pool.h"

#include <algorithm>
#include <utility>

namespace pythonfilter {
namespace {

std::optional<ByteSize> resident_size_of(const WorkerSlot& slot) {
    const auto bytes = resident_bytes(slot.pid());
    return bytes ? std::optional(ByteSize{*bytes}) : std::nullopt;
}

}  // namespace

void Pool::look_at_fresh(const WorkerSlot& slot) {
    const auto rss = recycle_.wants_rss(0) ? resident_size_of(slot) : std::nullopt;
    const auto told = rss ? recycle_.fresh(*rss) : std::nullopt;
    if (told) report_(LogLevel::warning, "pool " + options_.name + ": " + *told);
}

void Pool::begin_recycling(const WorkerSlot& slot) {
    if (recycled_ != 0 || slot.served() == 0) return;
    auto reason =
        recycle_.reason(slot.served(), recycle_.wants_rss(slot.served()) ? resident_size_of(slot) : std::nullopt);
    if (!reason) return;
    recycled_ = slot.id();
    recycle_reason_ = std::move(*reason);
    fill();
}

// By the zygote, which knows that the number is still the worker's. Nobody can take it back, so the worker is replaced
// after this message.
void Pool::stand_back(WorkerSlot& slot, std::uint32_t filter) {
    const FilterSpec* spec = keeper_.find_filter(filter);
    const std::string label = "[" + slot.label() + " " + escape(slot.current_message_id()) + "] ";
    const std::string what = "filter " + (spec ? spec->name : "?") + " has run for more than " +
                             format_duration(options_.watch.slow_after) + " (slow_after), the message goes on\n";
    keeper_.slow({slot.id()});
    slot.trace([this, label, what](const std::string& trace) {
        report_lines(report_, LogLevel::warning, label, what + trace);
    });
}

// True when the worker, which is idle, has left: an exclusive one at once, any other when its replacement is ready.
// Should it die before, its replacement is the one for that.
bool Pool::end_recycling(WorkerSlot& slot) {
    const auto serves = [](const auto& each) {
        return each->has_been_ready() && each->state() != WorkerSlot::State::leaving;
    };
    const int needed = options_.exclusive ? 0 : options_.workers;
    if (slot.id() != recycled_ || std::count_if(slots_.begin(), slots_.end(), serves) <= needed) return false;
    std::erase(idle_, &slot);
    retire(slot, std::exchange(recycle_reason_, {}));
    return true;
}

}  // namespace pythonfilter
