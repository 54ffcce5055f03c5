// The server: what run_master() runs. Owns the loop, the log and all the parts, connects them with each other, and
// turns signals and the end of stdin into reload and stop. Decides nothing about messages.
#pragma once

#include "base/log_sink.h"
#include "master/canary.h"
#include "master/control.h"
#include "master/entrance.h"
#include "master/generations.h"
#include "master/listener.h"
#include "master/log_limit.h"
#include "master/log_pace.h"
#include "master/loop.h"
#include "master/page_server.h"
#include "master/router.h"
#include "master/run_master.h"
#include "master/service_watch.h"
#include "master/sessions.h"
#include "master/socket_keeper.h"

#include <list>
#include <memory>
#include <string>

namespace pythonfilter {

class Server {
public:
    Server(MasterOptions options, Config config);

    /// Until a stop is complete. Returns the exit status.
    int run();

private:
    void report(LogLevel level, const std::string& text, const LogFields& fields = {});
    void tell_dropped();
    void flush_log();
    void watch_signal(int number, std::function<void()> callback);
    void read_stdin();

    void listen_on(UniqueFd socket);
    void watch_socket();
    void look_after_socket();
    void replace_lost_socket();

    void watch_service();
    std::string service_status() const;

    void in_force(const Config& config);
    void take_request(SessionId id, Request&& request, TimePoint accepted);
    void stop(const std::string& reason);
    void make_way(const std::string& reason);
    void out_of_patience();
    void leave();
    void log_summary();

    ControlActions control_actions();
    ServerStatus status() const;
    ServerStats stats() const;
    std::vector<FilterStats> filters() const;
    ServerSnapshot snapshot();
    void drain(std::function<void()> done);
    void let_in();
    void open_control();
    void look_at_page();
    void tell_drainers();
    void stop_for_good();

    MasterOptions options_;
    Loop loop_;
    LogSink log_;
    LogLevel log_level_;
    LogLimit log_limit_;
    TimePoint started_ = Clock::now();
    std::chrono::system_clock::time_point start_time_ = std::chrono::system_clock::now();
    pid_t guardian_;                      // 0: none
    PoolGauges gauge_;
    Reporter report_;
    Generations generations_;
    Router router_;
    Canary canary_;
    Entrance entrance_;
    Sessions sessions_;
    Control control_;
    PageServer page_;
    std::unique_ptr<Listener> listener_;  // until stop()
    std::unique_ptr<SocketKeeper> keeper_;     // of options_.own_socket, until stop()
    std::unique_ptr<IoWatch> socket_watch_;    // what keeper_ hears
    std::string socket_problem_;               // what was told of a lost socket
    std::unique_ptr<ServiceWatch> service_;    // when a service manager listens
    std::list<SignalWatch> signals_;
    std::unique_ptr<IoWatch> stdin_watch_;
    std::unique_ptr<IoWatch> log_watch_;  // waits for room
    BeforeWait before_wait_;
    LogPace log_pace_;
    Timer to_flush_log_;
    Timer to_tell_dropped_;               // lines that log_limit_ kept out
    Timer to_look_;                       // at the socket's path again
    Timer to_open_control_;               // and the status page; not inside a callback of control_
    Timer to_look_at_page_;               // active while there is or should be one
    Timer to_end_;                        // of a stop: first the workers are killed, then the process ends anyway
    std::uint64_t without_message_ = 0;   // connections that ended so
    bool draining_ = false;               // an administrator wants no new messages
    std::vector<std::function<void()>> drain_later_;  // told when the entrance is open, which it is not
    bool making_way_ = false;             // for the master of another program
    bool stopping_ = false;
    bool killed_ = false;                 // during a stop: the workers
};

}  // namespace pythonfilter
