#include "master/worker_numbers.h"

#include <algorithm>

namespace pythonfilter {

std::optional<std::uint32_t> WorkerNumbers::take(int lacking, std::uint32_t holder, TimePoint now) {
    for (std::size_t i = 0; lacking > 0; ++i) {
        if (i == numbers_.size()) numbers_.emplace_back();
        Number& number = numbers_[i];
        if (number.holder != 0) continue;
        --lacking;
        if (number.not_before > now) continue;
        number.holder = holder;
        number.excused = false;
        number.respawn.started(now);
        return static_cast<std::uint32_t>(i + 1);
    }
    return std::nullopt;
}

std::optional<TimePoint> WorkerNumbers::next(int lacking) const {
    std::optional<TimePoint> soonest;
    for (const Number& number : numbers_) {
        if (number.holder != 0 || lacking-- <= 0) continue;
        soonest = std::min(soonest.value_or(number.not_before), number.not_before);
    }
    return soonest;
}

void WorkerNumbers::became_ready(std::uint32_t holder, TimePoint now) {
    if (Number* number = find(holder)) number->respawn.became_ready(now);
}

void WorkerNumbers::excuse(std::uint32_t holder) {
    if (Number* number = find(holder)) number->excused = true;
}

Duration WorkerNumbers::left(std::uint32_t holder, bool has_worked, TimePoint now) {
    Number* number = find(holder);
    if (!number) return {};
    number->holder = 0;
    Duration delay{};
    if (has_worked) number->respawn.reset();
    else if (!number->excused) delay = number->respawn.died(now);
    number->not_before = now + delay;
    return delay;
}

WorkerNumbers::Number* WorkerNumbers::find(std::uint32_t holder) {
    const auto found = std::find_if(numbers_.begin(), numbers_.end(),
                                    [&](const Number& number) { return number.holder == holder; });
    return found == numbers_.end() ? nullptr : &*found;
}

}  // namespace pythonfilter
