// Clients of a socket where each says one thing and gets one answer: pythonfilterctl on the control sockets, a browser
// at the status page. Bounded in number, in what they may say and in how long they may take; an answer of any size
// leaves through the loop. Knows nothing of what is asked, and asks its owner where a request ends. When all places are
// taken, the oldest that is silent, or does not read its answer, makes room.
#pragma once

#include "base/clock.h"
#include "base/unique_fd.h"
#include "master/loop.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace pythonfilter {

using ClientId = std::uint64_t;

class RequestClients {
public:
    static constexpr std::size_t kMaxClients = 32;

    struct Callbacks {
        /// How many of these bytes are one request, as far as it matters; nothing when there must be more.
        std::function<std::optional<std::size_t>(std::string_view bytes)> whole;
        /// So many bytes, once. The answer may come later, or inside.
        std::function<void(ClientId, std::string request)> on_request;
        /// The answer to what was too long, or ended before it was whole.
        std::function<std::string(bool too_long)> bad_request;
        /// All places are taken by clients that wait for their answer.
        std::function<std::string()> too_many;
    };

    /// `max_request`: the bytes that are looked at.
    RequestClients(Loop& loop, std::size_t max_request, Callbacks callbacks);

    void adopt(UniqueFd client);
    /// Does nothing when the client has gone.
    void answer(ClientId id, std::string text);
    /// For the end of the server: what the socket takes now, and no more.
    void answer_now(ClientId id, std::string_view text);

private:
    enum class State {
        reading,
        waiting,  // for its answer
        writing,
        ending,   // has its answer; what it still says is thrown away, for a reset would cost it the answer
    };
    struct Client {
        Client(Loop& loop, UniqueFd its_fd, std::function<void()> on_event, std::function<void()> on_deadline);
        UniqueFd fd;
        State state = State::reading;
        std::string input;      // <= max_request_
        std::string output;
        std::size_t sent = 0;   // <= output.size()
        std::size_t rest = 0;   // bytes thrown away
        IoWatch readable, writable;
        Timer deadline;         // not in state waiting: what takes long is bounded by whoever does it
    };

    void take_event(ClientId id);
    void read(ClientId id, Client& client);
    void watch_for_hangup(ClientId id, Client& client);
    void take_request(ClientId id, Client& client, std::size_t length);
    void write(ClientId id, Client& client);
    void read_rest(ClientId id, Client& client);
    bool make_room();

    Loop& loop_;
    std::size_t max_request_;
    Callbacks callbacks_;
    ClientId last_id_ = 0;
    std::map<ClientId, Client> clients_;  // oldest first; at most kMaxClients
};

}  // namespace pythonfilter
