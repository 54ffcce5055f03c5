#include "master/turn_away.h"

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <sys/socket.h>

namespace pythonfilter {

bool TurnAway::accept_from(int listen_fd, const std::string& reply, TimePoint now) {
    bool any = false;
    for (std::size_t i = 0; i < kMaxClients; ++i) {  // bounded: the caller has other things to watch
        UniqueFd fd(accept4(listen_fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (!fd && (errno == EINTR || errno == ECONNABORTED)) continue;
        if (!fd) break;
        any = true;
        if (clients_.size() == kMaxClients) answer_oldest();
        clients_.push_back({std::move(fd), now + kPatience, reply});
    }
    return any;
}

void TurnAway::serve(TimePoint now) {
    std::erase_if(clients_, [&](Client& client) {
        if (!is_done(client, now)) return false;
        answer(client);
        return true;
    });
}

void TurnAway::finish() { serve(TimePoint::max()); }

std::optional<TimePoint> TurnAway::next_deadline() const {
    if (clients_.empty()) return std::nullopt;
    return clients_.front().deadline;
}

void TurnAway::append_polls(std::vector<pollfd>& polls) const {
    for (const Client& client : clients_) polls.push_back({client.fd.get(), POLLIN, 0});
}

void TurnAway::answer_oldest() {
    answer(clients_.front());
    clients_.pop_front();
}

void TurnAway::answer(const Client& client) {
    // Fits into an empty socket buffer. A client that has gone does not matter.
    send(client.fd.get(), client.reply.data(), client.reply.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    ++answered_;
}

// Reads all that is there; true at the end of the request (an empty line), of the stream, of the patience.
bool TurnAway::is_done(Client& client, TimePoint now) {
    char chunk[8192];
    while (client.received < kMaxRequest) {
        const auto n = recv(client.fd.get(), chunk, sizeof chunk, MSG_DONTWAIT);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) return now >= client.deadline;
        if (n <= 0) return true;
        const std::string_view bytes(chunk, static_cast<std::size_t>(n));
        const bool split = client.last == '\n' && bytes.front() == '\n';
        client.received += bytes.size();
        client.last = bytes.back();
        if (split || bytes.find("\n\n") != std::string_view::npos) return true;
    }
    return true;
}

}  // namespace pythonfilter
