// The entrance: messages that came while no generation may take one (handover_policy.h). They wait in order, each
// within its own time and all within the server's queue limit, and begin when they are let in. Called by the server.
#pragma once

#include "master/job_queue.h"
#include "master/router.h"

#include <cstdint>
#include <unordered_map>

namespace pythonfilter {

class Entrance {
public:
    Entrance(Loop& loop, PoolGauges& gauge, Router& router) : gauge_(gauge), router_(router), queue_(loop, gauge) {}

    /// From now on messages wait, each for at most `message_timeout` since it was accepted.
    void close(Duration message_timeout);
    bool is_closed() const { return closed_; }
    void hold(Request request, TimePoint accepted, Client client);
    /// Those that wait begin in `generation`.
    void open(Generation& generation);
    /// Those that wait are told that the server is stopping.
    void refuse();

private:
    struct Held {
        Request request;
        TimePoint accepted;
        Client client;
    };
    void end(std::uint64_t number, JobResult::Kind why);

    PoolGauges& gauge_;
    Router& router_;
    JobQueue queue_;                                // a job for each that waits; its task id is the number below
    std::unordered_map<std::uint64_t, Held> held_;
    std::uint64_t last_ = 0;
    Duration message_timeout_{};
    bool closed_ = false;
};

}  // namespace pythonfilter
