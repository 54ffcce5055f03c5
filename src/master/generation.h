// A generation: one configuration that is in force, with its route and its pools. It is proved (every pool ready)
// before it takes messages, and drains when another has taken its place. The server holds at most two.
#pragma once

#include "config/config.h"
#include "master/breakers.h"
#include "master/pool.h"
#include "message/route.h"

#include <functional>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

namespace pythonfilter {

class Generation {
public:
    struct Callbacks {
        /// Once: every pool is ready (no problems), failed or timed out.
        std::function<void(Generation&, std::vector<std::string> problems)> on_settled;
        std::function<void()> on_zygote_dead;
        /// After drain() or stop(): no process is left.
        std::function<void(Generation&)> on_empty;
    };

    Generation(Loop& loop, int number, Config config, QueueGauge& gauge, const Reporter& report, Callbacks callbacks);

    void start();
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
    Pool& pool(std::uint32_t index) { return *pools_[index]; }
    /// That pool, unless it has no idle worker and another has.
    Pool& idle_pool(std::uint32_t index);
    Breakers& breakers() { return breakers_; }
    const std::string& spool_tmp() const { return spool_tmp_; }
    /// By chain index.
    const std::vector<std::string>& filter_names() const { return filter_names_; }
    const std::vector<std::string>& problems() const { return problems_; }
    bool empty() const;
    void collect_pids(std::unordered_set<pid_t>& pids) const;

    void message_began() { ++messages_; }
    void message_ended();

private:
    void pool_settled(const std::string& pool, const std::vector<std::string>& problems);
    void pool_empty();

    int number_;
    Config config_;
    Route route_;
    Breakers breakers_;
    std::string spool_tmp_;
    std::vector<std::string> filter_names_;
    Callbacks callbacks_;
    std::vector<std::unique_ptr<Pool>> pools_;  // by the route's pool index
    std::size_t settled_ = 0;                   // pools; <= pools_.size()
    std::vector<std::string> problems_;
    int messages_ = 0;                          // that began here and have no reply yet; >= 0
    bool draining_ = false;
    bool stopped_ = false;
};

}  // namespace pythonfilter
