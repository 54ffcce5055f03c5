#include "master/worker_numbers.h"

#include <algorithm>

namespace pythonfilter {

std::optional<std::uint32_t> WorkerNumbers::take(int lacking, std::uint32_t holder, TimePoint now) {
    if (now < no_start_before_) return std::nullopt;
    for (std::size_t i = 0; lacking > 0; ++i) {
        if (i == numbers_.size()) numbers_.emplace_back();
        Number& number = numbers_[i];
        if (number.holder != 0) continue;
        --lacking;
        if (number.not_before > now) continue;
        number.holder = holder;
        number.excused = number.was_ready = false;
        number.respawn.started(now);
        return static_cast<std::uint32_t>(i + 1);
    }
    return std::nullopt;
}

std::optional<TimePoint> WorkerNumbers::next(int lacking) const {
    std::optional<TimePoint> soonest;
    for (const Number& number : numbers_) {
        if (number.holder != 0 || lacking-- <= 0) continue;
        const TimePoint moment = std::max(number.not_before, no_start_before_);
        soonest = std::min(soonest.value_or(moment), moment);
    }
    return soonest;
}

void WorkerNumbers::became_ready(std::uint32_t holder, TimePoint now) {
    Number* number = find(holder);
    if (!number) return;
    number->was_ready = true;
    number->respawn.became_ready(now);
    starts_.reset();
    no_start_before_ = {};
}

void WorkerNumbers::excuse(std::uint32_t holder) {
    if (Number* number = find(holder)) number->excused = true;
}

Duration WorkerNumbers::left(std::uint32_t holder, bool has_worked, TimePoint now) {
    Number* number = find(holder);
    if (!number) return {};
    number->holder = 0;
    number->not_before = now;
    if (has_worked) {
        number->respawn.reset();
    } else if (!number->excused && number->was_ready) {
        number->not_before += number->respawn.died(now);
    } else if (!number->excused && now >= no_start_before_) {  // several that die together are one failure
        no_start_before_ = now + starts_.died(now);
    }
    return std::max(number->not_before, no_start_before_) - now;
}

WorkerNumbers::Number* WorkerNumbers::find(std::uint32_t holder) {
    const auto found = std::find_if(numbers_.begin(), numbers_.end(),
                                    [&](const Number& number) { return number.holder == holder; });
    return found == numbers_.end() ? nullptr : &*found;
}

}  // namespace pythonfilter
