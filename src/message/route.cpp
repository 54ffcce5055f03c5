#include "message/route.h"

#include "message/reply.h"

#include <algorithm>

namespace pythonfilter {
namespace {

std::uint32_t intern_pool(Route& route, const std::string& name) {
    const auto found = std::find(route.pools.begin(), route.pools.end(), name);
    if (found == route.pools.end()) {
        route.pools.push_back(name);
        return static_cast<std::uint32_t>(route.pools.size() - 1);
    }
    return static_cast<std::uint32_t>(found - route.pools.begin());
}

// A name may stand in the chain more than once: `for` switches off all of them.
std::vector<std::uint32_t> indexes_of(const Config& config, const std::vector<std::string>& names) {
    std::vector<std::uint32_t> indexes;
    for (std::uint32_t i = 0; i < config.filters.size(); ++i) {
        if (std::find(names.begin(), names.end(), config.filters[i].filter) != names.end()) indexes.push_back(i);
    }
    return indexes;
}

bool contains(const std::vector<std::uint32_t>& list, std::uint32_t value) {
    return std::find(list.begin(), list.end(), value) != list.end();
}

}  // namespace

Route compile_route(const Config& config) {
    Route route;
    for (const FilterConfig& written : config.filters) {
        Route::Filter filter;
        filter.name = written.filter;
        filter.pool = intern_pool(route, written.pool.name);
        filter.timeout = written.effective_timeout;
        filter.policy = written.policy;
        if (written.bypass && !written.bypass->empty()) filter.bypasses = indexes_of(config, *written.bypass);
        route.filters.push_back(std::move(filter));
    }
    return route;
}

std::vector<FilterSpec> filter_specs(const Route& route, std::uint32_t pool) {
    std::vector<FilterSpec> specs;
    for (std::uint32_t i = 0; i < route.filters.size(); ++i) {
        const Route::Filter& filter = route.filters[i];
        if (filter.pool != pool) continue;
        FilterSpec spec;
        spec.index = i;
        spec.name = filter.name;
        spec.has_bypass = filter.bypasses.has_value();
        if (filter.bypasses) spec.bypasses = *filter.bypasses;
        for (int event = 0; event < kFailureEvents; ++event) {
            if (filter.policy.action(static_cast<FailureEvent>(event)) == FailureAction::skip) {
                spec.skip_events = static_cast<std::uint8_t>(spec.skip_events | (1u << event));
            }
        }
        specs.push_back(std::move(spec));
    }
    return specs;
}

std::optional<ChainWalk::Dispatch> ChainWalk::next(const Refuses& refuses) const {
    Dispatch dispatch;
    for (std::uint32_t i = position_; i < route_->filters.size(); ++i) {
        if (contains(state_.bypassed, i)) continue;
        const std::uint32_t pool = route_->filters[i].pool;
        if (dispatch.filters.empty()) {
            dispatch.pool = pool;
        } else if (pool != dispatch.pool) {
            break;
        }
        const bool refused = refuses && refuses(i);
        if (refused && !dispatch.filters.empty()) break;
        dispatch.filters.push_back(i);
        dispatch.refused = refused;
        if (refused) break;
    }
    if (dispatch.filters.empty()) return std::nullopt;
    return dispatch;
}

void ChainWalk::finished(const Dispatch& dispatch, const ChainState& state, const Identity& identity) {
    position_ = dispatch.filters.back() + 1;
    state_ = state;
    expected_ = identity;
}

void ChainWalk::progressed(const Progress& progress) {
    position_ = progress.finished + 1;
    state_ = progress.state;
    expected_ = progress.identity;
}

bool ChainWalk::failed(std::uint32_t filter, FailureEvent event) {
    switch (route_->filters[filter].policy.action(event)) {
        case FailureAction::skip:
            state_.pending_reply.clear();  // as if it had returned ''
            position_ = filter + 1;
            return true;
        case FailureAction::defer: failure_reply_ = replies::filter_defer(); return false;
        case FailureAction::reject: failure_reply_ = replies::filter_reject(); return false;
    }
    return false;
}

std::string ChainWalk::final_reply() const { return compose_reply(state_.pending_reply); }

}  // namespace pythonfilter
