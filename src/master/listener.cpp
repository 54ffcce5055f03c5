#include "master/listener.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/socket.h>

namespace pythonfilter {
namespace {

constexpr int kMostAtOnce = 64;  // then the other events get their turn

UniqueFd open_reserve() { return UniqueFd(open("/dev/null", O_RDONLY | O_CLOEXEC)); }

}  // namespace

Listener::Listener(Loop& loop, UniqueFd socket, std::function<void(UniqueFd)> on_client)
    : loop_(loop),
      socket_(std::move(socket)),
      reserve_(open_reserve()),
      on_client_(std::move(on_client)),
      pause_(loop, [this] { watch_.start(); }),
      watch_(loop, socket_.get(), EV_READ, [this] { accept_some(); }) {}

// To find nobody costs as much as to accept somebody, as the kernel makes a socket first. The loop's next round tells
// for less whether there are more: as many are accepted as came the last time, and more when that round finds more.
void Listener::accept_some() {
    const unsigned round = loop_.round();
    if (round == full_in_ + 1) at_once_ = std::min(2 * at_once_, kMostAtOnce);
    for (int i = 0; i < at_once_; ++i) {
        if (accept_one()) continue;
        at_once_ = std::max(1, i);
        return;
    }
    full_in_ = round;
}

// False when there is nobody left, or nothing to be done about them now.
bool Listener::accept_one() {
    UniqueFd client(accept4(socket_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (client) {
        on_client_(std::move(client));
        return true;
    }
    if (errno == EINTR || errno == ECONNABORTED) return true;
    if (errno == EMFILE || errno == ENFILE) {
        shed();
    } else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINVAL) {
        watch_.stop();
        pause_.start(100ms);
    }
    return false;
}

// Out of descriptors: the oldest waiting client is closed without a word, which Courier answers with 432.
void Listener::shed() {
    reserve_.reset();
    UniqueFd client(accept4(socket_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    client.reset();
    reserve_ = open_reserve();
}

void Listener::stop() {
    pause_.stop();
    watch_.stop();
    shutdown(socket_.get(), SHUT_RDWR);
    while (accept_one()) {
    }
    socket_.reset();
}

void Listener::leave() {
    pause_.stop();
    watch_.stop();
    socket_.reset();
}

}  // namespace pythonfilter
