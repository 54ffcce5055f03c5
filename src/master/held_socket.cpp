#include "master/held_socket.h"

#include "message/reply.h"

#include <unistd.h>

namespace pythonfilter {

Result<bool> HeldSocket::ensure(const SocketPlace& place, TurnAway& waiting) {
    if (is_listening() && !lost_ && socket_->place == place && owner_ == geteuid()) return false;
    auto made = make_listen_socket(place, LivingServer::take_over);
    if (!made) return made.error();
    const bool took_over = made->took_over && !socket_;  // else it was our own that answered
    if (socket_) {
        shut_listen_socket(fd());
        while (waiting.accept_from(fd(), replies::starting(), Clock::now())) {
        }
    }
    socket_ = std::move(*made);
    keeper_.emplace(*socket_);
    lost_ = false;
    owner_ = geteuid();
    return took_over;
}

void HeldSocket::adopt(ListenSocket socket) {
    socket_ = std::move(socket);
    keeper_.emplace(*socket_);
    owner_ = geteuid();
}

SocketKeeper::Finding HeldSocket::look() {
    if (!keeper_) return SocketKeeper::Finding::ours;
    const auto finding = keeper_->look(*socket_);
    lost_ = finding == SocketKeeper::Finding::lost;
    return finding;
}

void HeldSocket::end(OnStop on_stop) {
    if (!socket_) return;
    keeper_.reset();
    remove_socket_for_stop(*socket_, on_stop);
    shut_listen_socket(fd());
}

}  // namespace pythonfilter
