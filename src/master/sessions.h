// Sessions: the clients, from accept to the reply. Reads each request with a deadline and a length limit, hands it
// upward, and later writes exactly one reply in one write and closes. A silent, slow or babbling client costs one
// descriptor until its deadline; when descriptors get scarce the oldest unfinished session goes first.
// A request stays in the socket until its reply has been written: to read it wakes a sender that waits in read(2), as
// Courier does, for nothing; descriptors that were passed with it stay there as well. Before the socket is closed it is
// read: else its sender would find an error behind the reply, not the end. A master that is killed cannot do that; to
// Courier both are the same (432).
#pragma once

#include "base/clock.h"
#include "base/unique_fd.h"
#include "config/config.h"
#include "master/loop.h"
#include "message/request.h"

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

namespace pythonfilter {

using SessionId = std::uint64_t;

class Sessions {
public:
    struct Callbacks {
        /// The request by value: an answer inside ends the session.
        std::function<void(SessionId, Request, TimePoint accepted)> on_request;
        /// A session that ended without a message: one sentence for the log.
        std::function<void(std::string)> on_failure;
    };

    Sessions(Loop& loop, const Config& config, std::size_t max_reading, Callbacks callbacks);
    ~Sessions();
    Sessions(const Sessions&) = delete;
    Sessions& operator=(const Sessions&) = delete;

    /// Another configuration is in force.
    void configure(const Config& config);
    void adopt(UniqueFd client);
    /// Writes the reply and ends the session. False when the client had gone.
    bool reply(SessionId id, std::string_view text);
    /// The client of a request that waits has hung up.
    bool hung_up(SessionId id) const;
    /// Answers all sessions whose request is not complete.
    void refuse_unfinished(std::string_view text);

    std::size_t size() const { return sessions_.size(); }
    /// All that there were since the start.
    std::uint64_t adopted() const { return last_id_; }

private:
    struct Session {
        Session(UniqueFd client, const std::string& spool_tmp) : fd(std::move(client)), parser(spool_tmp) {}
        UniqueFd fd;
        RequestParser parser;
        TimePoint accepted = Clock::now();
        std::size_t unread = 0;                  // bytes that are known and still lie in the socket
        std::unique_ptr<IoWatch> watch;          // only when its request did not come at once, until it has
        std::list<SessionId>::iterator reading;  // place in reading_, valid while `watch` is set
    };

    using SessionMap = std::unordered_map<SessionId, Session>;

    void read(SessionId id);
    void wait_for_more(SessionId id, Session& session);
    void refuse(SessionId id, std::string_view text, const std::string& why);
    static void take_unread(Session& session);
    void finish_reading(Session& session);
    void expire();
    void end(SessionMap::iterator session);

    Loop& loop_;
    Duration request_timeout_{};
    std::string spool_tmp_;  // where relative paths begin
    std::size_t max_reading_;
    Callbacks callbacks_;
    SessionId last_id_ = 0;
    SessionMap sessions_;
    std::list<SessionId> reading_;  // those with a watch, oldest first
    Alarm expiry_;                  // for the first of them
};

}  // namespace pythonfilter
