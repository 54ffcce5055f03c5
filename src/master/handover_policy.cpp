#include "master/handover_policy.h"

namespace pythonfilter {
namespace {

std::set<std::string> filters_of_exclusive_pools(const Config& config) {
    std::set<std::string> names;
    for (const FilterConfig& filter : config.filters) {
        if (config.pools.at(filter.pool.name).exclusive) names.insert(filter.filter);
    }
    return names;
}

std::set<std::string> pools_in_the_way(const Config& config, const std::set<std::string>& others) {
    std::set<std::string> names;
    for (const FilterConfig& filter : config.filters) {
        const std::string& pool = filter.pool.name;
        if (config.pools.at(pool).exclusive || others.contains(filter.filter)) names.insert(pool);
    }
    return names;
}

}  // namespace

ExclusivePools exclusive_pools(const Config& old, const Config& next) {
    ExclusivePools pools{pools_in_the_way(old, filters_of_exclusive_pools(next)),
                         pools_in_the_way(next, filters_of_exclusive_pools(old))};
    return pools.old.empty() || pools.next.empty() ? ExclusivePools{} : pools;
}

HandoverPolicy::Action HandoverPolicy::enter(Step step, Action action) {
    step_ = step;
    return action;
}

HandoverPolicy::Action HandoverPolicy::on(Event event) {
    switch (step_) {
        case Step::waiting:
            if (event == Event::quiet || event == Event::late) return enter(Step::stopping, Action::stop_old);
            return Action::none;
        case Step::stopping:
            if (event == Event::late) return enter(Step::killing, Action::kill_old);
            [[fallthrough]];
        case Step::killing:
            if (event == Event::gone) return enter(Step::starting, Action::start_next);
            if (event == Event::late) return enter(Step::over, Action::restore);  // it cannot be killed
            return Action::none;
        case Step::starting:
            if (event == Event::ready) return enter(Step::over, Action::take_over);
            if (event == Event::failed) return enter(Step::over, Action::restore);
            return Action::none;
        case Step::over: return Action::none;
    }
    return Action::none;
}

// A start has its limit in the pool.
Duration HandoverPolicy::limit() const {
    switch (step_) {
        case Step::waiting: return kFinishLimit;
        case Step::stopping: return kEndLimit;
        case Step::killing: return kKillLimit;
        case Step::starting:
        case Step::over: return Duration::zero();
    }
    return Duration::zero();
}

const char* to_string(HandoverPolicy::Step step) {
    switch (step) {
        case HandoverPolicy::Step::waiting: return "waiting";
        case HandoverPolicy::Step::stopping: return "stopping";
        case HandoverPolicy::Step::killing: return "killing";
        case HandoverPolicy::Step::starting: return "starting";
        case HandoverPolicy::Step::over: return "over";
    }
    return "?";
}

}  // namespace pythonfilter
