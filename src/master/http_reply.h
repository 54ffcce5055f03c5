// A reply of HTTP/1 with all that is said for safety: it is not kept, not guessed about, not shown in another page, and
// loads nothing. The connection ends after it. Pure.
#pragma once

#include <string>
#include <string_view>

namespace pythonfilter {

struct HttpReply {
    int status = 200;
    std::string_view content_type = "text/plain; charset=utf-8";
    std::string_view body;
    std::string_view policy = "default-src 'none'";  // Content-Security-Policy
    bool head_only = false;                          // the body is only described
};
std::string compose_http_reply(const HttpReply& reply);
/// What went wrong, as a line of text.
std::string compose_http_failure(int status, bool head_only = false);

}  // namespace pythonfilter
