#include "master/request_clients.h"

#include <algorithm>
#include <cerrno>
#include <poll.h>
#include <sys/socket.h>

namespace pythonfilter {
namespace {

constexpr Duration kReadLimit = 5s;
constexpr Duration kWriteLimit = 10s;
constexpr Duration kEndLimit = 1s;
constexpr std::size_t kChunk = 4096;
constexpr std::size_t kMaxRest = 64 * 1024;

ssize_t send_some(int fd, std::string_view text) {
    ssize_t sent;
    do {
        sent = send(fd, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (sent < 0 && errno == EINTR);
    return sent;
}

template <std::size_t Size>
ssize_t receive(int fd, char (&chunk)[Size]) {
    ssize_t n;
    do {
        n = recv(fd, chunk, Size, MSG_DONTWAIT);
    } while (n < 0 && errno == EINTR);
    return n;
}

bool would_block() { return errno == EAGAIN || errno == EWOULDBLOCK; }

bool has_hung_up(int fd) {
    pollfd state{fd, 0, 0};
    return poll(&state, 1, 0) > 0 && (state.revents & (POLLHUP | POLLERR)) != 0;
}

}  // namespace

RequestClients::Client::Client(Loop& loop, UniqueFd its_fd, std::function<void()> on_event,
                               std::function<void()> on_deadline)
    : fd(std::move(its_fd)),
      readable(loop, fd.get(), EV_READ, on_event),
      writable(loop, fd.get(), EV_WRITE, on_event),
      deadline(loop, std::move(on_deadline)) {
    writable.stop();
    deadline.start(kReadLimit);
}

RequestClients::RequestClients(Loop& loop, std::size_t max_request, Callbacks callbacks)
    : loop_(loop), max_request_(max_request), callbacks_(std::move(callbacks)) {}

void RequestClients::adopt(UniqueFd client) {
    if (clients_.size() >= kMaxClients && !make_room()) {
        send_some(client.get(), callbacks_.too_many());
        char chunk[kChunk];
        receive(client.get(), chunk);  // what it said: else it would get a reset
        return;
    }
    const ClientId id = ++last_id_;
    clients_.try_emplace(id, loop_, std::move(client), [this, id] { take_event(id); },
                         [this, id] { clients_.erase(id); });
    take_event(id);  // it has mostly spoken before it is accepted
}

bool RequestClients::make_room() {
    const auto found = std::find_if(clients_.begin(), clients_.end(),
                                    [](const auto& each) { return each.second.state != State::waiting; });
    if (found == clients_.end()) return false;
    clients_.erase(found);
    return true;
}

void RequestClients::take_event(ClientId id) {
    Client& client = clients_.at(id);
    switch (client.state) {
        case State::reading: return read(id, client);
        case State::waiting: return watch_for_hangup(id, client);
        case State::writing: return write(id, client);
        case State::ending: return read_rest(id, client);
    }
}

void RequestClients::read(ClientId id, Client& client) {
    char chunk[kChunk];
    const ssize_t n = receive(client.fd.get(), chunk);
    if (n < 0 && would_block()) return;
    if (n < 0 || (n == 0 && client.input.empty())) {
        clients_.erase(id);
        return;
    }
    client.input.append(chunk, std::min(static_cast<std::size_t>(n), max_request_ - client.input.size()));
    const auto length = callbacks_.whole(client.input);
    const bool too_long = client.input.size() >= max_request_;
    if (length) take_request(id, client, *length);
    else if (n == 0 || too_long) answer(id, callbacks_.bad_request(too_long));
    else if (n == static_cast<ssize_t>(sizeof chunk)) read(id, client);
}

// What comes behind it is of no interest: it is not answered.
void RequestClients::take_request(ClientId id, Client& client, std::size_t length) {
    client.state = State::waiting;
    client.deadline.stop();
    client.input.resize(length);
    callbacks_.on_request(id, std::move(client.input));
}

// A client that has only shut its own direction (as `nc -N` does) still waits, and so does one that says more.
void RequestClients::watch_for_hangup(ClientId id, Client& client) {
    char chunk[kChunk];
    const ssize_t n = receive(client.fd.get(), chunk);
    if (n < 0 && would_block()) return;
    if (n < 0 || (n == 0 && has_hung_up(client.fd.get()))) clients_.erase(id);
    else client.readable.stop();
}

void RequestClients::answer(ClientId id, std::string text) {
    const auto found = clients_.find(id);
    if (found == clients_.end() || found->second.state >= State::writing) return;
    Client& client = found->second;
    client.state = State::writing;
    client.output = std::move(text);
    client.readable.stop();
    client.deadline.start(kWriteLimit);
    write(id, client);
}

void RequestClients::write(ClientId id, Client& client) {
    while (client.sent < client.output.size()) {
        const ssize_t n = send_some(client.fd.get(), std::string_view(client.output).substr(client.sent));
        if (n < 0 && would_block()) {
            client.writable.start();
            return;
        }
        if (n < 0) {
            clients_.erase(id);
            return;
        }
        client.sent += static_cast<std::size_t>(n);
    }
    client.state = State::ending;
    client.writable.stop();
    shutdown(client.fd.get(), SHUT_WR);
    client.deadline.start(kEndLimit);
    client.readable.start();
    read_rest(id, client);
}

void RequestClients::read_rest(ClientId id, Client& client) {
    char chunk[kChunk];
    const ssize_t n = receive(client.fd.get(), chunk);
    if (n > 0) client.rest += static_cast<std::size_t>(n);
    if (n == 0 || (n < 0 && !would_block()) || client.rest > kMaxRest) clients_.erase(id);
}

void RequestClients::answer_now(ClientId id, std::string_view text) {
    const auto found = clients_.find(id);
    if (found == clients_.end()) return;
    send_some(found->second.fd.get(), text);
    clients_.erase(found);
}

}  // namespace pythonfilter
