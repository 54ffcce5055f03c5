// The loop of the load client: one thread, poll() on the open connections, nothing registered per message, so that it
// is never the bottleneck. A message is: connect, send the request, read to the end of the file, check that it was one
// reply.
#include "load.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace pythonfilter::bench {

namespace {

constexpr auto kLookForLate = std::chrono::milliseconds(100);

}  // namespace

Load::Load(const Options& options, std::vector<std::string> requests, std::vector<std::string> replies)
    : options_(options),
      requests_(std::move(requests)),
      judge_(options, std::move(replies)),
      clients_(static_cast<std::size_t>(options.clients)),
      address_(address_of(options)) {
    for (std::size_t i = 0; i < clients_.size(); ++i) clients_[i].next_request = i;
}

void Load::run() {
    tally_.latencies_us.reserve(1 << 20);
    began_ = Clock::now();
    for (;;) {
        const auto now = Clock::now();
        bool busy = false;
        for (Client& client : clients_) {
            if (client.state == State::idle && client.not_before <= now && may_start(now)) start(client, now);
            if (client.state == State::waiting) busy = true;
        }
        if (!busy && !may_start(now)) break;
        wait_and_read();
        look_for_late(now);
    }
    tally_.run_us = run_us();
}

std::uint64_t Load::run_us() const {
    if (options_.count > 0) return in_us(Clock::now() - began_);
    std::uint64_t sum = 0;
    for (const Client& client : clients_) sum += in_us(client.ended - began_);
    return sum / clients_.size();
}

bool Load::may_start(Clock::time_point now) const {
    if (options_.count > 0 && started_ >= options_.count) return false;
    return options_.seconds <= 0 || now - began_ < in_clock(options_.seconds);
}

void Load::start(Client& client, Clock::time_point now) {
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        std::perror("load_client: socket");
        std::exit(1);
    }
    client.fd = fd;
    client.began = Clock::now();
    if (connect(fd, reinterpret_cast<const sockaddr*>(&address_), sizeof address_) < 0) {
        refuse(client, errno, now);
        return;
    }
    ++started_;
    client.request = client.next_request;
    const std::string& request = requests_[client.request];
    client.next_request += clients_.size();
    if (client.next_request >= requests_.size()) client.next_request %= clients_.size();
    client.reply.clear();
    client.state = State::waiting;
    // A server that turns clients away may have closed by now; what it wrote can still be read.
    if (send(fd, request.data(), request.size(), MSG_NOSIGNAL) < 0 && errno != EPIPE && errno != ECONNRESET) {
        std::perror("load_client: send");
        std::exit(1);
    }
}

void Load::refuse(Client& client, int error, Clock::time_point now) {
    close(client.fd);
    client.fd = -1;
    client.ended = now;
    client.not_before = now + kPauseAfterRefusal;
    if (error == EAGAIN) {
        ++tally_.backlog_full;
    } else {
        ++tally_.refused;
        ++started_;
    }
}

/// Waits for a reply, at most until the next pause may end, and reads all that came.
void Load::wait_and_read() {
    polled_.clear();
    polled_who_.clear();
    for (std::size_t i = 0; i < clients_.size(); ++i) {
        if (clients_[i].state != State::waiting) continue;
        polled_.push_back({clients_[i].fd, POLLIN, 0});
        polled_who_.push_back(i);
    }
    const bool pausing = polled_.size() < clients_.size();
    poll(polled_.data(), polled_.size(), static_cast<int>((pausing ? kPauseAfterRefusal : kLookForLate).count()));
    for (std::size_t i = 0; i < polled_.size(); ++i) {
        if (polled_[i].revents != 0) read_reply(clients_[polled_who_[i]]);
    }
}

/// Gives up what has waited too long.
void Load::look_for_late(Clock::time_point now) {
    if (now < next_look_) return;
    next_look_ = now + kLookForLate;
    const auto limit = in_clock(options_.timeout_seconds);
    for (Client& client : clients_) {
        if (client.state == State::waiting && now - client.began > limit) give_up(client, now);
    }
}

void Load::read_reply(Client& client) {
    char data[8192];
    for (;;) {
        const ssize_t count = recv(client.fd, data, sizeof data, MSG_DONTWAIT);
        if (count > 0) {
            client.reply.append(data, static_cast<std::size_t>(count));
        } else if (count < 0 && errno == EAGAIN) {
            return;
        } else if (count == 0 || errno == ECONNRESET) {  // reset: closed with the request unread
            finish(client, Clock::now());
            return;
        } else {
            std::perror("load_client: recv");
            std::exit(1);
        }
    }
}

void Load::finish(Client& client, Clock::time_point now) {
    close(client.fd);
    client.fd = -1;
    client.state = State::idle;
    client.ended = now;
    if (!judge_.note(client.request, client.reply, now - client.began, tally_))
        client.not_before = now + kPauseAfterRefusal;
}

void Load::give_up(Client& client, Clock::time_point now) {
    close(client.fd);
    client.fd = -1;
    client.state = State::idle;
    client.ended = now;
    client.not_before = now + kPauseAfterRefusal;
    ++tally_.timeouts;
}

}  // namespace pythonfilter::bench
