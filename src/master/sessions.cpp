#include "master/sessions.h"

#include "message/reply.h"

#include <cerrno>
#include <poll.h>
#include <sys/socket.h>
#include <utility>

namespace pythonfilter {
namespace {

constexpr std::size_t kChunk = 8192;

/// Up to kChunk bytes of what the client has sent; 0 at its end, -1 with errno.
ssize_t receive(int fd, char* chunk, std::size_t size, int flags) {
    ssize_t n;
    do {
        n = recv(fd, chunk, size, flags | MSG_DONTWAIT);
    } while (n < 0 && errno == EINTR);
    return n;
}

// One write for the whole reply: a fresh socket always has room for it.
bool send_reply(int fd, std::string_view text) {
    ssize_t sent;
    do {
        sent = send(fd, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (sent < 0 && errno == EINTR);
    return sent == static_cast<ssize_t>(text.size());
}

}  // namespace

Sessions::Sessions(Loop& loop, const Config& config, std::size_t max_reading, Callbacks callbacks)
    : loop_(loop),
      max_reading_(max_reading),
      callbacks_(std::move(callbacks)),
      expiry_(loop, [this] { expire(); }) {
    configure(config);
}

Sessions::~Sessions() {
    for (auto& [id, session] : sessions_) take_unread(session);
}

void Sessions::configure(const Config& config) {
    request_timeout_ = config.server.request_timeout;
    spool_tmp_ = config.courier.localstatedir + "/tmp";
}

void Sessions::adopt(UniqueFd client) {
    const SessionId id = ++last_id_;
    sessions_.try_emplace(id, std::move(client), spool_tmp_);
    read(id);  // Courier has mostly written before we accept
}

void Sessions::wait_for_more(SessionId id, Session& session) {
    if (session.watch) return;
    if (reading_.size() >= max_reading_) refuse(reading_.front(), replies::bad_request(), "too many silent clients");
    session.reading = reading_.insert(reading_.end(), id);
    session.watch = std::make_unique<IoWatch>(loop_, session.fd.get(), EV_READ, [this, id] { read(id); });
    expiry_.by(session.accepted + request_timeout_);
}

void Sessions::read(SessionId id) {
    const auto found = sessions_.find(id);
    Session& session = found->second;
    char chunk[kChunk];
    ssize_t n = receive(session.fd.get(), chunk, sizeof chunk, MSG_PEEK);
    const bool lies_there = n > 0;
    // The loop says that something came, and there is nothing to look at: a byte out of band, until it is taken.
    if (n < 0 && errno == EAGAIN && session.watch) n = receive(session.fd.get(), chunk, sizeof chunk, 0);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return wait_for_more(id, session);
    if (n <= 0) {
        const bool said_something = session.parser.started();
        end(found);
        if (said_something) callbacks_.on_failure("a client hung up in the middle of its request");
        return;
    }
    session.unread = lies_there ? static_cast<std::size_t>(n) : 0;
    switch (session.parser.feed({chunk, static_cast<std::size_t>(n)})) {
        case RequestParser::State::incomplete:
            take_unread(session);
            return wait_for_more(id, session);
        case RequestParser::State::bad:
            refuse(id, replies::bad_request(), "bad request: " + session.parser.problem());
            return;
        case RequestParser::State::complete: break;
    }
    if (session.watch) finish_reading(session);
    callbacks_.on_request(id, std::move(session.parser.request()), session.accepted);
}

void Sessions::take_unread(Session& session) {
    char chunk[kChunk];
    if (session.unread > 0) receive(session.fd.get(), chunk, std::exchange(session.unread, 0), 0);
}

void Sessions::finish_reading(Session& session) {
    session.watch.reset();
    reading_.erase(session.reading);
}

void Sessions::refuse(SessionId id, std::string_view text, const std::string& why) {
    reply(id, text);
    callbacks_.on_failure(why);
}

void Sessions::expire() {
    const TimePoint now = Clock::now();
    while (!reading_.empty()) {
        const SessionId oldest = reading_.front();
        const TimePoint end = sessions_.at(oldest).accepted + request_timeout_;
        if (end > now) {
            expiry_.by(end);
            return;
        }
        refuse(oldest, replies::bad_request(), "a client did not finish its request in time");
    }
}

bool Sessions::reply(SessionId id, std::string_view text) {
    const auto found = sessions_.find(id);
    if (found == sessions_.end()) return false;
    const bool sent = send_reply(found->second.fd.get(), text);  // EPIPE is normal: the client may be gone
    end(found);
    return sent;
}

void Sessions::end(SessionMap::iterator session) {
    if (session->second.watch) finish_reading(session->second);
    take_unread(session->second);
    sessions_.erase(session);
}

bool Sessions::hung_up(SessionId id) const {
    const auto found = sessions_.find(id);
    if (found == sessions_.end()) return true;
    pollfd state{found->second.fd.get(), 0, 0};
    return poll(&state, 1, 0) > 0 && (state.revents & (POLLHUP | POLLERR)) != 0;
}

void Sessions::refuse_unfinished(std::string_view text) {
    while (!reading_.empty()) reply(reading_.front(), text);
}

}  // namespace pythonfilter
