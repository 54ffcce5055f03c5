// The guardian: the process that courierfilter starts and knows. It holds the listening socket, stdin and fd 3, and
// keeps a master alive and running as its child, because courierfilter neither notices nor mends a dead filter. While
// there is no master it answers 451 itself: after a second, or at once when the configuration cannot be used. Called by
// serve.cpp. A plain poll loop with little that can fail; it must never accept a message, block, or end because of a
// bad configuration: that would leave a dead entry in courierfilter's list, which only `filterctl stop` and `start`
// mends.
#pragma once

#include "base/clock.h"
#include "base/log_sink.h"
#include "base/unique_fd.h"
#include "config/find_config.h"
#include "master/held_socket.h"
#include "master/master_process.h"
#include "master/orphans.h"
#include "master/respawn_policy.h"
#include "master/succession.h"
#include "master/turn_away.h"

#include <optional>
#include <string>
#include <vector>

namespace pythonfilter {

struct GuardianOptions {
    ConfigRequest config;
    MasterProgram master;
    UniqueFd ready_fd;               // courierfilter's fd 3
    bool stop_at_stdin_end = true;   // false: stdin is nothing that can end
    std::optional<Heritage> heritage;  // of an older guardian in this very process
};

class Guardian {
public:
    explicit Guardian(GuardianOptions options);

    /// Serves until end of stdin, SIGTERM or SIGINT. `first`: what load_config() said just now. Returns the exit
    /// status.
    int run(Result<Config> first);

private:
    enum class State {  // in this order: is_stopping()
        running,   // a master lives
        waiting,   // for the moment to start the next master
        unusable,  // no usable configuration, or no socket: for the moment to try again
        replacing,  // a master of an older program lives and was told to make way
        stopping,  // a master lives and was told to stop
        draining,  // no master any more: queued clients are answered, orphans buried
        ended,
    };
    static const char* to_string(State state);

    void enter(State state);
    void say(LogLevel level, const std::string& text);
    bool is_stopping() const { return state_ >= State::stopping; }

    // From a configuration to a master: guardian_start.cpp.
    void attempt(Result<Config> config);
    void apply(const Config& config);
    Status settle(const CourierDirs& courier);
    Status ensure_socket(const SocketPlace& place);
    void become_unusable(const std::string& why);
    Status ensure_any_socket();
    void look_after_socket(TimePoint now);
    void replace_lost_socket();
    void explain(const std::string& headline, const std::string& why, const std::string& again);
    void explain_problem(const std::string& why, Duration retry, const Status& any_socket);
    std::string plan_next_start(Duration delay);  // returns the delay for a person
    void start_master();

    // When the program was replaced: guardian_upgrade.cpp.
    void take_over(Result<Config> config);
    void replace_master(const Result<Config>& config);
    void hand_over();

    // What is heard.
    void wait_for_events();
    void on_signals();
    void on_hangup();
    void pass_hangup_on();
    void on_ready();
    void on_master_end(int wait_status);
    void begin_absence();
    void begin_stop(const std::string& why);

    // What is due.
    void do_what_is_due(TimePoint now);
    void do_stop_step(TimePoint now);
    void turn_clients_away(TimePoint now);
    bool answers_clients(TimePoint now) const;
    std::optional<TimePoint> next_moment() const;

    GuardianOptions options_;
    LogSink log_{2};
    bool tell_debug_;
    Orphans orphans_;
    UniqueFd signals_;                    // a signalfd
    MasterProcess master_;                // running exactly in states running, replacing and stopping
    ProgramFile program_;
    bool master_is_older_ = false;        // than this program: it runs because the configuration could not be used
    RespawnPolicy policy_;
    TurnAway turn_away_;
    State state_ = State::waiting;

    HeldSocket socket_;
    OnStop on_stop_ = OnStop::defer;      // of the last configuration that could be used
    std::string socket_problem_;          // what was told of a lost socket
    std::string problem_;                 // why the last attempt failed, until a master is ready

    TimePoint next_start_{};              // waiting, unusable
    TimePoint patience_end_{};            // with orphans, a master that shall end, clients: by state
    TimePoint stop_end_{};                // stopping, draining: the process ends by then
    bool hangup_held_ = false;            // SIGHUP came before the master was ready to take it
    bool has_orphans_ = false;            // perhaps; orphans_.clear() knows
    std::optional<TimePoint> absent_since_;  // nobody has filtered since: the first death after a master was ready
    std::optional<TimePoint> next_socket_look_;  // something happened beside the socket, or it could not be put back
    std::optional<TimePoint> pause_end_;     // no accept until then: the last one failed
    std::uint64_t answered_before_ = 0;      // turn_away_.answered() when the absence began
};

}  // namespace pythonfilter
