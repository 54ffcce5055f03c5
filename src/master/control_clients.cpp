#include "master/control_clients.h"

#include "message/control_protocol.h"

#include <algorithm>
#include <cerrno>
#include <poll.h>
#include <sys/socket.h>

namespace pythonfilter {
namespace {

constexpr Duration kReadLimit = 5s;
constexpr Duration kWriteLimit = 10s;

ssize_t send_some(int fd, std::string_view text) {
    ssize_t sent;
    do {
        sent = send(fd, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (sent < 0 && errno == EINTR);
    return sent;
}

bool would_block() { return errno == EAGAIN || errno == EWOULDBLOCK; }

bool has_hung_up(int fd) {
    pollfd state{fd, 0, 0};
    return poll(&state, 1, 0) > 0 && (state.revents & (POLLHUP | POLLERR)) != 0;
}

}  // namespace

ControlClients::Client::Client(Loop& loop, UniqueFd its_fd, std::function<void()> on_event,
                               std::function<void()> on_deadline)
    : fd(std::move(its_fd)),
      readable(loop, fd.get(), EV_READ, on_event),
      writable(loop, fd.get(), EV_WRITE, on_event),
      deadline(loop, std::move(on_deadline)) {
    writable.stop();
    deadline.start(kReadLimit);
}

ControlClients::ControlClients(Loop& loop, Callbacks callbacks) : loop_(loop), callbacks_(std::move(callbacks)) {}

void ControlClients::adopt(UniqueFd client) {
    if (clients_.size() >= kMaxClients && !make_room()) {
        send_some(client.get(), callbacks_.too_many());
        return;
    }
    const ControlClientId id = ++last_id_;
    clients_.try_emplace(id, loop_, std::move(client), [this, id] { take_event(id); },
                         [this, id] { clients_.erase(id); });
    take_event(id);  // it has mostly spoken before it is accepted
}

bool ControlClients::make_room() {
    const auto found = std::find_if(clients_.begin(), clients_.end(),
                                    [](const auto& each) { return each.second.state != State::waiting; });
    if (found == clients_.end()) return false;
    clients_.erase(found);
    return true;
}

void ControlClients::take_event(ControlClientId id) {
    Client& client = clients_.at(id);
    switch (client.state) {
        case State::reading: return read(id, client);
        case State::waiting: return watch_for_hangup(id, client);
        case State::writing: return write(id, client);
    }
}

void ControlClients::read(ControlClientId id, Client& client) {
    char chunk[kMaxControlRequest];
    ssize_t n;
    do {
        n = recv(client.fd.get(), chunk, sizeof chunk, MSG_DONTWAIT);
    } while (n < 0 && errno == EINTR);
    if (n < 0 && would_block()) return;
    if (n < 0 || (n == 0 && client.input.empty())) {
        clients_.erase(id);
        return;
    }
    client.input.append(chunk, static_cast<std::size_t>(n));
    const std::size_t length = client.input.find('\n');
    if (length < kMaxControlRequest) take_line(id, client, length);
    else if (n == 0 || client.input.size() >= kMaxControlRequest) answer(id, callbacks_.bad_line());
}

// What comes behind the line is of no interest: it is not answered.
void ControlClients::take_line(ControlClientId id, Client& client, std::size_t length) {
    client.state = State::waiting;
    client.deadline.stop();
    client.input.resize(length);
    callbacks_.on_line(id, std::move(client.input));
}

// A client that has only shut its own direction (as `nc -N` does) still waits, and so does one that says more.
void ControlClients::watch_for_hangup(ControlClientId id, Client& client) {
    char chunk[kMaxControlRequest];
    const ssize_t n = recv(client.fd.get(), chunk, sizeof chunk, MSG_DONTWAIT);
    if (n < 0 && (would_block() || errno == EINTR)) return;
    if (n < 0 || (n == 0 && has_hung_up(client.fd.get()))) clients_.erase(id);
    else client.readable.stop();
}

void ControlClients::answer(ControlClientId id, std::string text) {
    const auto found = clients_.find(id);
    if (found == clients_.end() || found->second.state == State::writing) return;
    Client& client = found->second;
    client.state = State::writing;
    client.output = std::move(text);
    client.readable.stop();
    client.deadline.start(kWriteLimit);
    write(id, client);
}

void ControlClients::write(ControlClientId id, Client& client) {
    while (client.sent < client.output.size()) {
        const ssize_t n = send_some(client.fd.get(), std::string_view(client.output).substr(client.sent));
        if (n < 0 && would_block()) {
            client.writable.start();
            return;
        }
        if (n < 0) break;
        client.sent += static_cast<std::size_t>(n);
    }
    clients_.erase(id);
}

void ControlClients::answer_now(ControlClientId id, std::string_view text) {
    const auto found = clients_.find(id);
    if (found == clients_.end()) return;
    send_some(found->second.fd.get(), text);
    clients_.erase(found);
}

}  // namespace pythonfilter
