// The route of a message: the chain compiled into stages, and which step comes next. Neighbouring filters of one pool
// form a stage; one stage is one dispatch to a worker. Pure: the router asks, and does what it is told.
#pragma once

#include "config/config.h"
#include "message/frames.h"
#include "message/zygote_protocol.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace pythonfilter {

struct Route {
    struct Filter {
        std::string name;
        std::uint32_t pool = 0;  // index into pools
        Duration timeout{};
        FailurePolicy policy;
        std::optional<std::vector<std::uint32_t>> bypasses;  // of its `for`; nullopt: none written, or an empty list
    };
    std::vector<Filter> filters;     // by chain index
    std::vector<std::string> pools;  // names of the pools that the chain uses, in order of first use
};

Route compile_route(const Config& config);

/// What the zygote of one pool is told of its filters.
std::vector<FilterSpec> filter_specs(const Route& route, std::uint32_t pool);

/// One message on its way along a route. The route must outlive it.
class ChainWalk {
public:
    explicit ChainWalk(const Route& route) : route_(&route) {}

    struct Dispatch {
        std::uint32_t pool = 0;
        std::vector<std::uint32_t> filters;  // not empty, chain indexes in order
        bool refused = false;                // there is one filter, and it must not be run: failed() comes next
    };
    using Refuses = std::function<bool(std::uint32_t filter)>;
    /// The next dispatch; nullopt at the end of the chain, when final_reply() holds. A filter that `refuses` names is
    /// no part of a dispatch: one ends before it, since the filters before may decide or bypass it.
    std::optional<Dispatch> next(const Refuses& refuses = {}) const;

    const ChainState& state() const { return state_; }
    /// What the files of the message must be at the next dispatch.
    const std::optional<Identity>& expected() const { return expected_; }

    /// A worker finished all filters of `dispatch`.
    void finished(const Dispatch& dispatch, const ChainState& state, const Identity& identity);
    /// A worker that died later had come as far as this.
    void progressed(const Progress& progress);
    /// The files were these when the dispatch began; known from the scoreboard of a worker that died.
    void began_with(const Identity& identity) { expected_ = identity; }
    /// `filter` failed: go on behind it (true), or the chain ends with failure_reply().
    bool failed(std::uint32_t filter, FailureEvent event);

    const std::string& failure_reply() const { return failure_reply_; }
    /// Composed: what Courier gets at the end of the chain.
    std::string final_reply() const;

private:
    const Route* route_;
    std::uint32_t position_ = 0;  // chain index of the next filter, <= filters.size()
    ChainState state_;
    std::optional<Identity> expected_;
    std::string failure_reply_;
};

}  // namespace pythonfilter
