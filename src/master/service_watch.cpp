#include "master/service_watch.h"

#include <algorithm>
#include <utility>

namespace pythonfilter {
namespace {

constexpr Duration kStatusEvery = 1min;  // without a watchdog

}  // namespace

ServiceWatch::ServiceWatch(Loop& loop, ServiceManager& manager, Callbacks callbacks)
    : manager_(manager),
      callbacks_(std::move(callbacks)),
      period_(std::min(manager.watchdog().value_or(3 * kStatusEvery) / 3, kStatusEvery)),
      to_tick_(loop, [this] { tick(); }) {
    to_tick_.start(period_);  // an import that takes its time at the start is no reason for a bite
}

void ServiceWatch::ready() { manager_.ready(callbacks_.status()); }

void ServiceWatch::stopping(Duration at_most) {
    to_tick_.stop();
    manager_.stopping(at_most);
}

void ServiceWatch::tick() {
    if (callbacks_.is_well()) manager_.alive();
    manager_.status(callbacks_.status());
    to_tick_.start(period_);
}

}  // namespace pythonfilter
