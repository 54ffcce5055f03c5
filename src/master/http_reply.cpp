#include "master/http_reply.h"

#include <ctime>
#include <http_parser.h>

namespace pythonfilter {
namespace {

std::string_view phrase_of(int status) { return http_status_str(static_cast<http_status>(status)); }

std::string_view advice_of(int status) {
    switch (status) {
        case 403: return "You may not look at this, or asked for it by a name that is not of this host.";
        case 404: return "There are /, /live.json and /metrics.";
        case 405: return "Nothing can be changed here: GET and HEAD only.";
        case 503: return "Too many ask at the same time.";
        default: return "The request was not understood.";
    }
}

std::string date() {
    const std::time_t now = std::time(nullptr);
    tm parts{};
    gmtime_r(&now, &parts);
    char text[64];
    return {text, std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts)};  // the C locale's names
}

}  // namespace

std::string compose_http_reply(const HttpReply& reply) {
    std::string text = "HTTP/1.1 " + std::to_string(reply.status) + " " + std::string(phrase_of(reply.status)) +
                       "\r\nDate: " + date() + "\r\nContent-Type: " + std::string(reply.content_type) +
                       "\r\nContent-Length: " + std::to_string(reply.body.size()) +
                       "\r\nContent-Security-Policy: " + std::string(reply.policy) +
                       "\r\nX-Content-Type-Options: nosniff\r\nX-Frame-Options: DENY\r\nReferrer-Policy: no-referrer"
                       "\r\nCross-Origin-Resource-Policy: same-origin\r\nCache-Control: no-store"
                       "\r\nConnection: close\r\n";
    if (reply.status == 405) text += "Allow: GET, HEAD\r\n";
    text += "\r\n";
    if (!reply.head_only) text += reply.body;
    return text;
}

std::string compose_http_failure(int status, bool head_only) {
    const std::string body = std::to_string(status) + " " + std::string(phrase_of(status)) + ". " +
                             std::string(advice_of(status)) + "\n";
    HttpReply reply;
    reply.status = status;
    reply.body = body;
    reply.head_only = head_only;
    return compose_http_reply(reply);
}

}  // namespace pythonfilter
