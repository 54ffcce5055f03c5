// TurnAway answers clients with a temporary refusal, for a time in which nobody filters. It reads the request first,
// because a client may be in the middle of writing it, but no client makes another one wait: all are read without
// blocking, each has a deadline, and past kMaxClients the oldest is answered at once. Called by the guardian's loop.
// Must never block, look at the message, or answer anything but the one reply it was given.
#pragma once

#include "base/clock.h"
#include "base/unique_fd.h"

#include <cstdint>
#include <deque>
#include <optional>
#include <poll.h>
#include <string>
#include <vector>

namespace pythonfilter {

class TurnAway {
public:
    static constexpr std::size_t kMaxClients = 256;
    static constexpr std::size_t kMaxRequest = 1024 * 1024;  // longer ones are answered without reading on
    static constexpr Duration kPatience = 2s;                // from accept to the answer, for a client that is silent

    /// Takes what is queued on `listen_fd`. False when nothing was queued.
    bool accept_from(int listen_fd, const std::string& reply, TimePoint now);
    /// Reads what is there; answers the clients whose request is complete or whose time is over.
    void serve(TimePoint now);
    /// Answers all that are left now.
    void finish();

    bool empty() const { return clients_.empty(); }
    std::optional<TimePoint> next_deadline() const;
    void append_polls(std::vector<pollfd>& polls) const;
    std::uint64_t answered() const { return answered_; }

private:
    struct Client {
        UniqueFd fd;
        TimePoint deadline;
        std::string reply;
        std::size_t received = 0;
        char last = 0;  // last byte received: the end of a request may be split over two reads
    };
    void answer_oldest();
    void answer(const Client& client);
    static bool is_done(Client& client, TimePoint now);

    std::deque<Client> clients_;   // oldest first; at most kMaxClients
    std::uint64_t answered_ = 0;   // replies since the start, only grows
};

}  // namespace pythonfilter
