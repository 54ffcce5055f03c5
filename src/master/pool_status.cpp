// What a pool and its workers tell of themselves, for the control socket. Reads only; what a worker says is escaped.
#include "base/process.h"
#include "master/pool.h"

#include <algorithm>
#include <utility>

namespace pythonfilter {
namespace {

const char* name_of(WorkerSlot::State state) {
    switch (state) {
        case WorkerSlot::State::forking: return "forking";
        case WorkerSlot::State::starting: return "starting";
        case WorkerSlot::State::idle: return "idle";
        case WorkerSlot::State::busy: return "busy";
        case WorkerSlot::State::dying: return "dying";
        case WorkerSlot::State::leaving: return "leaving";
        case WorkerSlot::State::dead: return "dead";
    }
    return "?";
}

}  // namespace

const char* Pool::name_of(State state) {
    switch (state) {
        case State::starting: return "starting";
        case State::serving: return "serving";
        case State::failed: return "failed";
        case State::stopping: return "stopping";
    }
    return "?";
}

PoolStatus Pool::describe(TimePoint now) const {
    PoolStatus status;
    status.name = options_.name;
    status.state = name_of(state_);
    status.workers_wanted = resize_.size();
    status.waiting = queue_.size();
    status.sandbox_lacks = sandbox_lacks_;
    for (const auto& slot : slots_) status.workers.push_back(describe(*slot, now));
    std::sort(status.workers.begin(), status.workers.end(), [](const WorkerStatus& one, const WorkerStatus& other) {
        return std::pair(one.label.size(), one.label) < std::pair(other.label.size(), other.label);  // /2 before /10
    });
    return status;
}

WorkerStatus Pool::describe(const WorkerSlot& slot, TimePoint now) const {
    WorkerStatus status;
    status.label = slot.label();
    status.pid = slot.pid();
    status.state = pythonfilter::name_of(slot.state());
    status.state_seconds = to_seconds(now - slot.state_since());
    status.served = slot.served();
    if (slot.pid() > 0) status.rss_bytes = resident_bytes(slot.pid()).value_or(0);
    if (slot.job()) {
        if (const FilterSpec* filter = keeper_.find_filter(slot.running_filter())) status.filter = filter->name;
        status.message_id = escape(slot.current_message_id());
    }
    const PoolHistory::Label past = history_.of(slot.label());
    status.restarts = past.ended;
    if (!past.last_failure.empty()) status.last_failure = {past.last_failure, to_seconds(now - past.failed_at)};
    return status;
}

bool Pool::trace(const std::string& worker, const std::function<void(TraceStatus)>& done) {
    const auto found = std::find_if(slots_.begin(), slots_.end(), [&](const auto& slot) {
        return slot->label() == worker || (slot->pid() > 0 && std::to_string(slot->pid()) == worker);
    });
    if (found == slots_.end()) return false;
    (*found)->trace([done, of = describe(**found, Clock::now())](const WorkerTrace& trace) {
        done({of, escape_lines(trace.text), trace.missing});
    });
    return true;
}

}  // namespace pythonfilter
