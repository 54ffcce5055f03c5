// A generation: one configuration that is in force, with its route and its pools. It is proved (every pool ready)
// before it takes messages, and drains when another has taken its place. The server holds at most two. Single pools of
// it can be stopped, started later or renewed: exclusive pools must not live in two generations at once.
#pragma once

#include "config/config.h"
#include "master/breakers.h"
#include "master/pool_place.h"
#include "message/route.h"

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <unordered_set>
#include <vector>

namespace pythonfilter {

class Generation {
public:
    struct Callbacks {
        /// After start() and start_pools(): every pool that was started is ready (no problems), failed or timed out.
        std::function<void(Generation&, std::vector<std::string> problems)> on_settled;
        /// A pool was renewed, or it was tried.
        std::function<void(Generation&, PoolPlace&)> on_renewed;
        std::function<void()> on_zygote_dead;
        /// True when no process is left that a dead one left behind; kills what there is.
        std::function<bool()> no_orphans;
        /// After drain() or stop(): no process is left.
        std::function<void(Generation&)> on_empty;
    };

    Generation(Loop& loop, int number, Config config, PoolGauges& gauge, const Reporter& report, Callbacks callbacks);

    using Names = std::set<std::string>;

    /// Starts all pools but these.
    void start(const Names& without = {});
    void start_pools(const Names& names);
    /// Jobs for them come back as `stopped` from now on.
    void stop_pools(const Names& names);
    void kill_pools(const Names& names, const std::string& reason);
    /// No process of them is left.
    bool pools_gone(const Names& names) const;
    /// Others take the place of these pools, and are started by start_replaced(): jobs wait for them.
    void replace_pools(const Names& names);
    bool awaits_start() const;
    void start_replaced();
    /// Tries the pools that have problems once more (PoolPlace::renew).
    void renew_failed_pools();
    bool has_exclusive_pools() const;
    /// Calls back once, as soon as no message is in work; perhaps at once. An empty one takes the last one back.
    void when_quiet(std::function<void()> callback);

    /// No message will begin here any more: the pools stop when the last one has ended.
    void drain();
    /// drain(), and jobs that wait now come back as `stopped`; messages in work go through the rest of their chain.
    void finish();
    /// The pools stop now: jobs that wait come back as `stopped`, those that run may end.
    void stop();
    /// stop(), and SIGKILL for whatever is left.
    void kill_all(const std::string& reason);

    int number() const { return number_; }
    const Config& config() const { return config_; }
    const Route& route() const { return route_; }
    Pool& pool(std::uint32_t index) { return places_[index]->pool(); }
    /// That pool, unless it has no idle worker and another has.
    Pool& idle_pool(std::uint32_t index);
    Breakers& breakers() { return breakers_; }
    /// Of a filter of this name: that of the worst, where the chain has several. Empty when there is none.
    std::string_view breaker_state(const std::string& filter) const;
    /// By chain index.
    const std::vector<std::string>& filter_names() const { return filter_names_; }
    /// As "pool NAME: PROBLEM".
    std::vector<std::string> problems() const;
    int messages() const { return messages_; }
    bool empty() const;
    void collect_pids(std::unordered_set<pid_t>& pids) const;
    std::vector<PoolStatus> describe(TimePoint now) const;
    /// As Pool::trace.
    bool trace(const std::string& worker, const std::function<void(TraceStatus)>& done);
    /// Of one pool, or of all when the name is empty. False when there is none of that name.
    bool recycle(const std::string& pool);

    void message_began() { ++messages_; }
    void message_ended();

private:
    void pool_settled();
    void pool_empty();
    template <class Use>
    void each_place(const Names& names, Use use) const;

    int number_;
    Config config_;
    Route route_;
    Breakers breakers_;
    std::vector<std::string> filter_names_;
    Callbacks callbacks_;
    std::vector<std::unique_ptr<PoolPlace>> places_;  // by the route's pool index
    std::size_t started_ = 0;                   // pools; <= places_.size()
    std::size_t settled_ = 0;                   // of them; <= started_
    std::function<void()> on_quiet_;            // of when_quiet(), until then
    int messages_ = 0;                          // that began here and have no reply yet; >= 0
    bool draining_ = false;
    bool stopped_ = false;
    bool told_empty_ = false;
};

}  // namespace pythonfilter
