#include "master/fork_gate.h"

#include "base/packet.h"

#include <cerrno>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <utility>

namespace pythonfilter {
namespace {

constexpr int kInATurn = 16;  // then the other work of the loop

// A foreign program's clone() has another number, and counts as a process whatever it makes.
Creation creation_of(const seccomp_data& call) {
    const bool thread = call.nr == SYS_clone && (call.args[0] & CLONE_THREAD) != 0;
    return thread ? Creation::thread : Creation::process;
}

}  // namespace

ForkGate::ForkGate(Loop& loop, UniqueFd socket, Turn turn)
    : loop_(loop), socket_(std::move(socket)), turn_(std::move(turn)), to_go_(loop, [this] {
          let_go(first_);
          watch_->start();
      }) {}

void ForkGate::open() {
    watch_ = std::make_unique<IoWatch>(loop_, socket_.get(), EV_READ, [this] { receive_listener(); });
}

void ForkGate::receive_listener() {
    Packet packet;
    const Receive received = receive_packet(socket_.get(), packet);
    if (received == Receive::nothing_yet) return;
    watch_.reset();
    socket_.reset();
    if (received != Receive::packet || packet.fds.size() != 1) return;
    listener_ = std::move(packet.fds.front());
    watch_ = std::make_unique<IoWatch>(loop_, listener_.get(), EV_READ, [this] { answer(); });
}

void ForkGate::answer() {
    for (int i = 0; i < kInATurn && watch_ && !to_go_.active(); ++i) {
        pollfd state{listener_.get(), POLLIN, 0};
        if (poll(&state, 1, 0) <= 0) return;
        if ((state.revents & POLLIN) == 0 || !take_one()) return freeze();  // all of them are gone
    }
}

// False when this is no listener.
bool ForkGate::take_one() {
    seccomp_notif request{};
    if (ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_RECV, &request) != 0) return errno == ENOENT || errno == EINTR;
    const auto turn = turn_(creation_of(request.data));
    if (!turn || !watch_) return true;
    if (*turn <= Clock::now()) {
        let_go(request.id);
    } else {
        first_ = request.id;
        watch_->stop();
        to_go_.start_at(*turn);
    }
    return true;
}

void ForkGate::let_go(std::uint64_t id) {
    seccomp_notif_resp response{id, 0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE};
    ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_SEND, &response);  // it fails when the caller has been killed
}

void ForkGate::freeze() {
    watch_.reset();
    to_go_.stop();
}

}  // namespace pythonfilter
