#include "master/last_hour.h"

#include <algorithm>

namespace pythonfilter {

void LastHour::decided(Verdict verdict) {
    switch (verdict) {
        case Verdict::accept: ++now_.accepted; return;
        case Verdict::defer: ++now_.deferred; return;
        case Verdict::reject: ++now_.rejected; return;
    }
}

MinuteStats LastHour::running() const {
    MinuteStats minute = now_;
    minute.runs = times_.count();
    minute.p50_ms = to_seconds(times_.percentile(0.5)) * 1000;
    minute.p99_ms = to_seconds(times_.percentile(0.99)) * 1000;
    return minute;
}

void LastHour::minute_ended() {
    ended_[oldest_] = running();
    oldest_ = (oldest_ + 1) % ended_.size();
    now_ = {};
    times_ = {};
}

bool LastHour::is_empty() const {
    const std::vector<MinuteStats> all = minutes();
    return std::all_of(all.begin(), all.end(), [](const MinuteStats& each) { return each == MinuteStats{}; });
}

std::vector<MinuteStats> LastHour::minutes() const {
    std::vector<MinuteStats> all(ended_.begin() + static_cast<std::ptrdiff_t>(oldest_), ended_.end());
    all.insert(all.end(), ended_.begin(), ended_.begin() + static_cast<std::ptrdiff_t>(oldest_));
    all.push_back(running());
    return all;
}

}  // namespace pythonfilter
