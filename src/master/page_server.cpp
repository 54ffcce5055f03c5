#include "master/page_server.h"

#include "master/http_reply.h"
#include "master/status_page.h"
#include "message/metrics.h"

#include <arpa/inet.h>
#include <cerrno>
#include <netinet/in.h>
#include <sys/socket.h>
#include <utility>

namespace pythonfilter {
namespace {

constexpr Duration kFresh = 500ms;

// An address in numbers: nothing is looked up.
Result<UniqueFd> listen_tcp(const ListenAddress& address) {
    const std::string name = address.ip + " port " + std::to_string(address.port);
    sockaddr_storage where{};
    socklen_t size = 0;
    if (address.is_ipv6()) {
        auto& six = reinterpret_cast<sockaddr_in6&>(where);
        six.sin6_family = AF_INET6;
        six.sin6_port = htons(static_cast<std::uint16_t>(address.port));
        inet_pton(AF_INET6, address.ip.c_str(), &six.sin6_addr);
        size = sizeof six;
    } else {
        auto& four = reinterpret_cast<sockaddr_in&>(where);
        four.sin_family = AF_INET;
        four.sin_port = htons(static_cast<std::uint16_t>(address.port));
        inet_pton(AF_INET, address.ip.c_str(), &four.sin_addr);
        size = sizeof four;
    }
    const int yes = 1;
    UniqueFd fd(socket(where.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) return errno_error("socket for " + name, errno);
    setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (address.is_ipv6()) setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes);
    if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&where), size) != 0) return errno_error("bind " + name, errno);
    if (::listen(fd.get(), SOMAXCONN) != 0) return errno_error("listen on " + name, errno);
    return fd;
}

RequestClients::Callbacks callbacks_of(std::function<std::string(const HttpParsed&)> reply, RequestClients& clients) {
    RequestClients::Callbacks callbacks;
    callbacks.whole = [](std::string_view bytes) -> std::optional<std::size_t> {
        // Not before its headers can have ended: who sends them byte by byte would have them read as often.
        const bool may_be_whole = bytes.find("\n\r\n") != bytes.npos || bytes.find("\n\n") != bytes.npos;
        if (!may_be_whole || std::holds_alternative<HttpIncomplete>(parse_http_request(bytes))) return std::nullopt;
        return bytes.size();
    };
    callbacks.on_request = [reply = std::move(reply), &clients](ClientId id, const std::string& request) {
        clients.answer(id, reply(parse_http_request(request)));
    };
    callbacks.bad_request = [](bool too_long) { return compose_http_failure(too_long ? 431 : 400); };
    callbacks.too_many = [] { return compose_http_failure(503); };
    return callbacks;
}

}  // namespace

PageServer::PageServer(Loop& loop, Reporter report, std::function<ServerSnapshot()> snapshot)
    : loop_(loop),
      report_(std::move(report)),
      snapshot_(std::move(snapshot)),
      clients_(loop, kMaxHttpRequest,
               callbacks_of([this](const HttpParsed& parsed) { return reply_to(parsed); }, clients_)) {}

void PageServer::open(const Config& config) {
    const StatusPageConfig& page = config.server.status_page;
    std::vector<std::string> may_look = config.server.control.users, problems;  // told by Control
    may_look.insert(may_look.end(), config.server.control.monitors.begin(), config.server.control.monitors.end());
    users_ = allowed_users(may_look, problems);
    anywhere_ = page.anywhere;
    const auto address = parse_listen_address(page.listen);
    if (!address) return close();
    if (page.listen == listen_ && listens(*address)) return;
    close();
    const Status done = listen_on(*address);
    const std::string problem = done ? "" : done.error().text;
    if (!done && problem != problem_) report_(LogLevel::warning, "no status page: " + escape(problem));
    if (done) report_(LogLevel::info, "status page at " + escape(page.listen));
    problem_ = problem;
    if (done) listen_ = page.listen;
}

bool PageServer::is_missing() const { return !problem_.empty() || (socket_ && !socket_->is_in_place()); }

bool PageServer::listens(const ListenAddress& address) const {
    return address.path.empty() ? listener_ != nullptr : socket_ && socket_->is_in_place();
}

Status PageServer::listen_on(const ListenAddress& address) {
    UniqueFd fd;
    if (!address.path.empty()) {
        auto made = ControlSocket::make(address.path, true);
        if (!made) return made.error();
        fd = made->take_fd();
        socket_ = std::move(*made);
    } else {
        auto made = listen_tcp(address);
        if (!made) return made.error();
        fd = std::move(*made);
    }
    listener_ = std::make_unique<Listener>(loop_, std::move(fd), [this](UniqueFd client) { greet(std::move(client)); });
    return Done{};
}

void PageServer::close() {
    listener_.reset();
    if (socket_) socket_->remove();
    socket_.reset();
    listen_.clear();
}

void PageServer::greet(UniqueFd client) {
    if (!socket_ || users_.contains(peer_of(client.get()).uid)) return clients_.adopt(std::move(client));
    const std::string text = compose_http_failure(403);
    send(client.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

std::string PageServer::reply_to(const HttpParsed& parsed) {
    const auto* request = std::get_if<HttpRequest>(&parsed);
    const auto* refusal = std::get_if<HttpRefusal>(&parsed);
    if (!request) return compose_http_failure(refusal ? refusal->status : 400);
    const bool head = request->head_only;
    if (!is_good_host(request->host, anywhere_)) return compose_http_failure(403, head);
    if (request->path == "/") return reply_with(Text::page, head);
    if (request->path == "/live.json") return reply_with(Text::live, head);
    if (request->path != "/metrics") return compose_http_failure(404, head);
    const bool openmetrics = request->accept.find("application/openmetrics-text") != std::string::npos;
    return reply_with(openmetrics ? Text::openmetrics : Text::prometheus, head);
}

std::string PageServer::reply_with(Text which, bool head_only) {
    HttpReply reply;
    reply.body = made(which);
    reply.head_only = head_only;
    switch (which) {
        case Text::page:
            reply.content_type = "text/html; charset=utf-8";
            reply.policy = status_page_policy();
            break;
        case Text::live: reply.content_type = "application/json"; break;
        case Text::openmetrics: reply.content_type = content_type(MetricsFormat::openmetrics); break;
        case Text::prometheus: reply.content_type = content_type(MetricsFormat::prometheus); break;
    }
    return compose_http_reply(reply);
}

const std::string& PageServer::made(Text which) {
    Made& its = made_[static_cast<std::size_t>(which)];
    const TimePoint now = Clock::now();
    if (its.when && now - *its.when < kFresh) return its.text;
    its.when = now;
    const ServerSnapshot snapshot = snapshot_();
    switch (which) {
        case Text::page: its.text = status_page(page_parts(snapshot)); break;
        case Text::live: its.text = live_parts(page_parts(snapshot)); break;
        case Text::openmetrics: its.text = metrics_text(snapshot, MetricsFormat::openmetrics); break;
        case Text::prometheus: its.text = metrics_text(snapshot, MetricsFormat::prometheus); break;
    }
    return its.text;
}

}  // namespace pythonfilter
