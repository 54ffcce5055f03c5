// Generations: which configuration is in force. A reload proves the new generation (every pool ready, every filter
// imported and initialised) before it takes the old one's place, which then drains; on any problem the old one stays.
// At most two live; reloads that come meanwhile become one. Exclusive pools are proved last, after the old ones ended
// (handover.h). The first generation serves whatever its problems are, and one that has problems is tried anew from
// time to time: a scanner that was down at boot needs nobody to reload.
#pragma once

#include "config/find_config.h"
#include "master/generation.h"
#include "master/handover.h"
#include "master/orphans.h"
#include "master/reload_waiters.h"
#include "master/reporter.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace pythonfilter {

class Generations {
public:
    struct Callbacks {
        /// The first generation is ready, failed or timed out; later, another has taken its place.
        std::function<void(const Config&)> on_in_force;
        /// Messages that come have to wait from now on, until they are let in: then they begin in current().
        std::function<void()> on_hold;
        std::function<void()> on_let_in;
        /// Runs the canary of a generation whose pools are ready; the answer is what is wrong, or nothing.
        std::function<void(Generation&, std::function<void(std::string problem)>)> run_canary;
        /// After stop(): no process is left.
        std::function<void()> on_empty;
    };

    Generations(Loop& loop, ConfigRequest request, PoolGauges& gauge, Reporter report, Callbacks callbacks);

    void start(Config config);
    /// Reads the configuration anew and puts it in force if it proves good. `done` is told how it ended.
    void reload(ReloadWaiters::Done done = {});
    /// Jobs that wait come back as `stopped`; those that run may end.
    void stop();
    void kill_all(const std::string& reason);

    /// Where new messages begin. After start().
    Generation& current() { return *current_; }
    const Generation& current() const { return *current_; }

    /// The first generation is ready, failed or timed out.
    bool settled() const { return settled_; }
    /// How far it is: generations, their pools and problems, the last reload.
    void describe(ServerStatus& status, TimePoint now) const;
    /// How often it was reloaded.
    void describe(ServerStats& stats) const;
    /// As Pool::trace. Where two generations have a worker of that label: the one of the generation in force.
    bool trace(const std::string& worker, const std::function<void(TraceStatus)>& done);

private:
    std::unique_ptr<Generation> make(Config config);
    void prove(Config config);
    void settled(Generation& generation, const std::vector<std::string>& problems);
    void next_settled(const std::vector<std::string>& problems);
    void next_proved(const std::vector<std::string>& problems);
    void hand_over();
    void reload_ended(const std::vector<std::string>& problems);
    void switch_to_next();
    void give_up_next(const std::vector<std::string>& problems);
    void restore(const std::vector<std::string>& reasons);
    void start_replaced();
    void renewed(const Generation& generation, const PoolPlace& place);
    void emptied(Generation& generation);
    void retry_later();
    void retry();
    void sweep();
    bool no_orphans();
    void clear_away();

    Loop& loop_;
    ConfigRequest request_;
    PoolGauges& gauge_;
    Reporter report_;
    Callbacks callbacks_;
    Orphans orphans_;  // of workers whose zygote died

    Config started_with_;  // what some keys keep until a restart
    int last_number_ = 0;
    std::unique_ptr<Generation> current_;                // set from start() on
    std::unique_ptr<Generation> other_;                  // being proved, or drained: current_ and this are the two
    std::vector<std::unique_ptr<Generation>> graves_;    // empty, but their code may still be on the stack
    bool proving_ = false;                               // other_ is being proved
    ExclusivePools exclusive_;                           // of current_ and other_, while proving_
    std::unique_ptr<Handover> handover_;                 // in the last part of that; else over, if there is one
    bool reload_wanted_ = false;                         // came while other_ lived
    bool settled_ = false;                               // the first generation
    bool stopping_ = false;
    ReloadWaiters waiters_;
    std::uint64_t reloads_ = 0, reloads_given_up_ = 0;
    ReloadStatus last_reload_;
    TimePoint last_reload_at_{};
    Duration retry_delay_;
    Timer to_retry_, to_sweep_, to_clear_, to_start_;
};

}  // namespace pythonfilter
