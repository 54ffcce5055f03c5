// The clients of a control socket: each says one line and gets one line. Bounded in number, in what they may say and in
// how long they may take; an answer of any size leaves through the loop. Knows nothing of what is asked. When all
// places are taken, the oldest that is silent, or does not read its answer, makes room.
#pragma once

#include "base/clock.h"
#include "base/unique_fd.h"
#include "master/loop.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace pythonfilter {

using ControlClientId = std::uint64_t;

class ControlClients {
public:
    static constexpr std::size_t kMaxClients = 32;

    struct Callbacks {
        /// One line without its LF. The answer may come later, or inside.
        std::function<void(ControlClientId, std::string line)> on_line;
        /// The line was too long or ended before it was complete.
        std::function<std::string()> bad_line;
        /// All places are taken by clients that wait for their answer.
        std::function<std::string()> too_many;
    };

    ControlClients(Loop& loop, Callbacks callbacks);

    void adopt(UniqueFd client);
    /// Does nothing when the client has gone.
    void answer(ControlClientId id, std::string text);
    /// For the end of the server: what the socket takes now, and no more.
    void answer_now(ControlClientId id, std::string_view text);

private:
    enum class State {
        reading,
        waiting,  // for its answer
        writing,
    };
    struct Client {
        Client(Loop& loop, UniqueFd its_fd, std::function<void()> on_event, std::function<void()> on_deadline);
        UniqueFd fd;
        State state = State::reading;
        std::string input;      // <= kMaxControlRequest
        std::string output;
        std::size_t sent = 0;   // <= output.size()
        IoWatch readable, writable;
        Timer deadline;         // not in state waiting: what takes long is bounded by whoever does it
    };

    void take_event(ControlClientId id);
    void read(ControlClientId id, Client& client);
    void watch_for_hangup(ControlClientId id, Client& client);
    void take_line(ControlClientId id, Client& client, std::size_t length);
    void write(ControlClientId id, Client& client);
    bool make_room();

    Loop& loop_;
    Callbacks callbacks_;
    ControlClientId last_id_ = 0;
    std::map<ControlClientId, Client> clients_;  // oldest first; at most kMaxClients
};

}  // namespace pythonfilter
