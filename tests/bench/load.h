// Load: N clients that ask one server about messages, one after the other, as submit does. Used by load_client.cpp.
// It must never let two clients ask about the same control file at the same time.
#pragma once

#include <poll.h>
#include <sys/un.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "tally.h"

namespace pythonfilter::bench {

struct Options {
    std::string socket;
    std::string messages;         // file: requests one after the other, each with its empty line
    std::string replies;          // file: for each request a line with its reply; empty: any reply is right
    std::vector<std::string> allowed;  // replies that may come instead
    bool lines = false;           // a request is one line, and so is a reply: what mimedefang-multiplexor speaks
    int clients = 1;
    std::uint64_t count = 0;      // messages in all; 0: no limit
    double seconds = 0;           // 0: no limit
    double timeout_seconds = 30;  // for one reply
};

using Clock = std::chrono::steady_clock;

enum class State { idle, waiting };

struct Client {
    State state = State::idle;
    int fd = -1;
    std::size_t request = 0;          // waiting: index in the list
    std::size_t next_request = 0;     // a client has every N-th to itself
    std::string reply;
    Clock::time_point began;
    Clock::time_point not_before{};   // idle: pause until then
};

class Load {
public:
    Load(const Options& options, std::vector<std::string> requests, std::vector<std::string> replies);
    void run();
    const Tally& tally() const { return tally_; }
    double seconds() const { return std::chrono::duration<double>(ended_ - began_).count(); }

private:
    bool may_start(Clock::time_point now) const;
    void start(Client& client, Clock::time_point now);
    void refuse(Client& client, int error, Clock::time_point now);
    void read_reply(Client& client);
    void finish(Client& client, Clock::time_point now);
    void judge(const Client& client);
    void give_up(Client& client, Clock::time_point now);
    void wait_and_read();
    void look_for_late(Clock::time_point now);
    bool well_formed(const std::string& reply) const;
    static void count_text(std::map<std::string, std::uint64_t>& counts, const std::string& text);

    const Options options_;
    const std::vector<std::string> requests_, replies_;
    std::vector<Client> clients_;
    std::vector<pollfd> polled_;           // scratch
    std::vector<std::size_t> polled_who_;  // scratch: the client of each pollfd
    sockaddr_un address_{};
    Tally tally_;
    std::uint64_t started_ = 0;
    Clock::time_point began_, next_look_, ended_;
};

}  // namespace pythonfilter::bench
