// Load: N clients in one process that ask one server about messages, each about one after the other; with poll(2), so
// that they cost the processors little, and some may be slow or refused. Used by load_client.cpp. See also submits.h.
// It must never let two clients ask about the same control file at the same time.
#pragma once

#include <poll.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "judge.h"
#include "options.h"
#include "tally.h"

namespace pythonfilter::bench {

enum class State { idle, waiting };

struct Client {
    State state = State::idle;
    int fd = -1;
    std::size_t request = 0;          // waiting: index in the list
    std::size_t next_request = 0;     // a client has every N-th to itself
    std::string reply;
    Clock::time_point began, ended;   // of its last attempt
    Clock::time_point not_before{};   // idle: pause until then
};

class Load {
public:
    Load(const Options& options, std::vector<std::string> requests, std::vector<std::string> replies);
    void run();
    const Tally& tally() const { return tally_; }

private:
    bool may_start(Clock::time_point now) const;
    void start(Client& client, Clock::time_point now);
    void refuse(Client& client, int error, Clock::time_point now);
    void read_reply(Client& client);
    void finish(Client& client, Clock::time_point now);
    void give_up(Client& client, Clock::time_point now);
    void wait_and_read();
    void look_for_late(Clock::time_point now);
    std::uint64_t run_us() const;

    const Options options_;
    const std::vector<std::string> requests_;
    const Judge judge_;
    std::vector<Client> clients_;
    std::vector<pollfd> polled_;           // scratch
    std::vector<std::size_t> polled_who_;  // scratch: the client of each pollfd
    const sockaddr_un address_;
    Tally tally_;
    std::uint64_t started_ = 0;
    Clock::time_point began_, next_look_;
};

}  // namespace pythonfilter::bench
