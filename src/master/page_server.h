// PageServer: the status page and the metrics over HTTP, for a browser or a monitoring system. Off unless the
// configuration says where. It only reads: GET and HEAD, on three paths. Whoever asks is a stranger: requests are short
// and bounded in number and time (request_clients.h), a name in Host that is not of this host is refused, and what is
// asked for often is made twice a second at most, so that nobody can keep the server busy with it. Owned by the server.
#pragma once

#include "config/config.h"
#include "config/listen_address.h"
#include "master/control_socket.h"
#include "master/http_request.h"
#include "master/listener.h"
#include "master/reporter.h"
#include "master/request_clients.h"
#include "message/server_status.h"

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>

namespace pythonfilter {

class PageServer {
public:
    PageServer(Loop& loop, Reporter report, std::function<ServerSnapshot()> snapshot);

    /// Listens where the configuration says, and nowhere else any more. What cannot be done is logged; mail does not
    /// need it.
    void open(const Config& config);
    /// The configuration asks for one.
    bool is_wanted() const { return !listen_.empty() || !problem_.empty(); }
    /// It should be there and is not: open() may mend that.
    bool is_missing() const;
    /// For the end of the server.
    void close();

private:
    enum class Text { page, live, openmetrics, prometheus };
    struct Made {
        std::optional<TimePoint> when;
        std::string text;
    };

    bool listens(const ListenAddress& address) const;
    Status listen_on(const ListenAddress& address);
    void greet(UniqueFd client);
    std::string reply_to(const HttpParsed& parsed);
    std::string reply_with(Text which, bool head_only);
    const std::string& made(Text which);

    Loop& loop_;
    Reporter report_;
    std::function<ServerSnapshot()> snapshot_;
    std::string listen_;                  // where it listens; empty: nowhere
    bool anywhere_ = false;
    std::optional<ControlSocket> socket_; // when that is a path
    std::set<uid_t> users_;               // who may ask there
    std::array<Made, 4> made_;            // by Text
    std::string problem_;                 // that was told
    RequestClients clients_;
    std::unique_ptr<Listener> listener_;
};

}  // namespace pythonfilter
