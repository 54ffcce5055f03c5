// HeldSocket: the listening socket that the guardian holds for all its masters, so that no client notices when one of
// them dies, and the watch over its path. Called by the guardian. Must never leave a moment without a socket: a new one
// is in place before the old one is shut.
#pragma once

#include "master/listen_socket.h"
#include "master/socket_keeper.h"
#include "master/turn_away.h"

#include <optional>

namespace pythonfilter {

class HeldSocket {
public:
    /// Makes it, unless a good one is there: at this place, of the present user, still listening, not lost. Who
    /// waits at the old one goes to `waiting`. True when a server of somebody else was living there.
    Result<bool> ensure(const SocketPlace& place, TurnAway& waiting);

    /// Takes one that was made before. None may be there.
    void adopt(ListenSocket socket);

    /// Looks after the path: see SocketKeeper.
    SocketKeeper::Finding look();
    const SocketKeeper& keeper() const { return *keeper_; }  // of a socket that was made
    int watch_fd() const { return keeper_ ? keeper_->fd() : -1; }
    bool must_look_again() const { return keeper_ && (lost_ || keeper_->must_look_again()); }

    /// For a stop: nobody gets in any more; who is in the queue can still be accepted.
    void end(OnStop on_stop);

    bool is_listening() const { return socket_ && pythonfilter::is_listening(socket_->fd.get()); }
    int fd() const { return socket_ ? socket_->fd.get() : -1; }
    const ListenSocket* socket() const { return socket_ ? &*socket_ : nullptr; }
    const SocketPlace* place() const { return socket_ ? &socket_->place : nullptr; }

private:
    std::optional<ListenSocket> socket_;  // empty: it could not be made yet
    std::optional<SocketKeeper> keeper_;  // of socket_
    bool lost_ = false;                   // nobody can reach it any more
    uid_t owner_ = 0;                     // effective user that made it
};

}  // namespace pythonfilter
