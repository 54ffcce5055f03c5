// PoolPlace: the place of one pool in a generation, and the pools that stand in it one after the other: a pool with
// problems is renewed, an exclusive one gets its place back after a reload that failed. Jobs that wait move on to the
// next pool. It never has two pools of an exclusive place alive. Called by the generation.
#pragma once

#include "master/pool.h"

#include <functional>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

namespace pythonfilter {

class PoolPlace {
public:
    struct Callbacks {
        /// The first pool is ready (no problems()), failed or timed out.
        std::function<void()> on_settled;
        /// The same of a later one, or of one that was tried and left where it was.
        std::function<void(PoolPlace&)> on_renewed;
        std::function<void()> on_zygote_dead;
        std::function<bool()> no_orphans;
        std::function<void()> on_empty;  // one of the pools is
    };
    using Make = std::function<std::unique_ptr<Pool>(Pool::Callbacks)>;

    PoolPlace(std::string name, bool exclusive, Make make, Callbacks callbacks);

    const std::string& name() const { return name_; }
    Pool& pool() { return *pool_; }
    void start() { pool_->start(); }
    /// Jobs come back as `stopped`.
    void stop();
    void kill_all(const std::string& reason);

    /// Another try: of an exclusive pool as in replace(), of another one beside the old, which it follows when it is
    /// ready.
    void renew();
    /// The pool stops, and another takes its place, which start_replaced() starts. Jobs wait for it.
    void replace();
    bool awaits_start() const { return awaits_start_; }
    /// When nothing is left of the one before. Nothing else may be in the way, and no pool's code on the stack.
    void start_replaced();

    /// Of the pool's last start, or of the last try to renew it.
    const std::vector<std::string>& problems() const { return problems_; }
    /// No process is left, of no pool that was here.
    bool gone() const;
    /// After stop(): gone.
    bool empty() const;
    void collect_pids(std::unordered_set<pid_t>& pids) const;

private:
    std::unique_ptr<Pool> make_pool();
    void settled(int number, const std::vector<std::string>& problems);
    void take_place(std::unique_ptr<Pool> next, int number);
    void leave(std::unique_ptr<Pool> pool);
    template <class Test>
    bool all_pools(Test test) const;

    std::string name_;
    bool exclusive_;
    Make make_;
    Callbacks callbacks_;
    int last_number_ = 0;  // of the pools that were made
    int number_ = 0;       // of pool_
    std::unique_ptr<Pool> pool_;
    std::unique_ptr<Pool> candidate_;             // is tried, while pool_ serves; the last one made
    std::vector<std::unique_ptr<Pool>> leaving_;  // stopped
    std::vector<std::string> problems_;
    bool renewed_ = false;       // pool_ is not the first
    bool awaits_start_ = false;
};

}  // namespace pythonfilter
