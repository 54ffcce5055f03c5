// The listener accepts connections as fast as they come (a connection that stays in the backlog hangs its client until
// somebody accepts it) and hands each one upward.
#pragma once

#include "base/unique_fd.h"
#include "master/loop.h"

#include <functional>

namespace pythonfilter {

class Listener {
public:
    /// `socket` is bound, listening and non-blocking. `on_client` gets non-blocking, close-on-exec descriptors.
    Listener(Loop& loop, UniqueFd socket, std::function<void(UniqueFd)> on_client);

    /// Refuses new connects at once, whoever holds copies of the descriptor, and hands over those that are queued.
    void stop();
    /// Accepts no more. Connects succeed and wait, for whoever has the socket then.
    void leave();

private:
    void accept_some();
    bool accept_one();
    void shed();

    Loop& loop_;
    UniqueFd socket_;
    UniqueFd
        reserve_;  // given up for a moment when descriptors run out, so that the client is closed, not kept waiting
    std::function<void(UniqueFd)> on_client_;
    Timer pause_;       // after an error that would come again at once
    int at_once_ = 1;
    unsigned full_in_ = 0;  // the round in which as many came as were accepted at once
    IoWatch watch_;
};

}  // namespace pythonfilter
