// ZygoteKeeper: a pool has a zygote, and another when that one died. Owns the deadlines of its imports and forks, says
// who is to blame when it dies, and starts the next one (respawn_policy.h says how soon): without preload if an import
// left what forks cannot share, and without the filter whose import it died of, so that the others can work. Called by
// the pool, which knows the workers; here nothing is known of them.
#pragma once

#include "master/reporter.h"
#include "master/respawn_policy.h"
#include "master/zygote_client.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace pythonfilter {

class ZygoteKeeper {
public:
    struct Options {
        ZygoteSpec spec;
        ZygoteProgram program;
        Duration start_timeout{};
    };
    struct Callbacks {
        /// It can fork. `failures`: filters that are not available in any worker.
        std::function<void(const std::vector<Ready::Failure>& failures)> on_ready;
        /// Answers to fork(), by its slot.
        std::function<void(std::uint32_t slot, pid_t pid, UniqueFd pidfd, Duration took)> on_forked;
        std::function<void(std::uint32_t slot, std::string reason)> on_fork_failed;
        /// It has reaped a worker.
        std::function<void(std::uint32_t slot, int wait_status)> on_exited;
        /// It is dead, and its workers die with it; or it could not be started. `problem`: empty when it was to end.
        /// After stop() it is the last callback, else the next zygote starts after `delay`.
        std::function<void(const std::string& problem, Duration delay)> on_dead;
        /// Asked before the next one starts, again and again until it says yes. May be empty: always.
        std::function<bool()> may_start;
    };

    ZygoteKeeper(Loop& loop, Options options, Reporter report, Callbacks callbacks);

    void start();
    /// False while there is none, or while it imports.
    bool ready() const { return imported_; }
    /// Asks for a worker; the descriptors are lent. Only while ready().
    Status fork(const ForkRequest& request, const std::vector<int>& fds);

    void slow(const SlowOrder& order);

    /// No further one. One that still imports is killed, another lives until close().
    void stop();
    /// It has no workers any more and may end.
    void close();
    void kill(const std::string& reason);

    bool exists() const { return zygote_ != nullptr; }
    pid_t pid() const { return zygote_ ? zygote_->pid() : 0; }
    /// nullptr when no filter of the pool has this chain index.
    const FilterSpec* find_filter(std::uint32_t index) const;

private:
    void on_report(ZygoteReport report, UniqueFd pidfd);
    void imported(const std::vector<Ready::Failure>& failures);
    void fork_answered();
    void tainted(const std::string& what);
    bool give_up(const std::string& filter, const std::string& reason);
    void died(const std::string& reason);
    void start_next();

    Loop& loop_;
    Options options_;
    Reporter report_;
    Callbacks callbacks_;
    RespawnPolicy respawn_;
    std::unique_ptr<ZygoteClient> zygote_;
    bool imported_ = false;    // the present one
    std::string importing_;    // the filter that it imports now, as it says
    bool import_hung_ = false;
    std::string suspect_;      // the filter in whose import the one before died
    int forks_asked_ = 0;      // of it and not answered; >= 0
    bool restarting_ = false;  // it was killed to be started again without preload
    bool stopping_ = false;

    Timer to_start_;   // the next one, after its delay
    Timer to_import_;  // start_timeout
    Timer to_fork_;    // active while forks_asked_ > 0
    Timer to_end_;     // after close()
};

}  // namespace pythonfilter
