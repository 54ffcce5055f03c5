// A request of HTTP/1, as far as the status page needs it: bytes in, value out, no state and no I/O. The grammar is
// libhttp-parser's; here stands what we take of it. Every byte comes from outside. Fuzzed by tests/fuzz/fuzz_http.cpp.
#pragma once

#include <string>
#include <string_view>
#include <variant>

namespace pythonfilter {

inline constexpr std::size_t kMaxHttpRequest = 8192;  // bytes; a browser sends less than a tenth without cookies

struct HttpRequest {
    bool head_only = false;  // HEAD; else GET
    std::string path;        // begins with '/'; without what follows '?'
    std::string host;        // in small letters, without the port; [::1] keeps its brackets
    std::string accept;      // empty: not said
};
struct HttpIncomplete {};
struct HttpRefusal {
    int status = 400;
};
using HttpParsed = std::variant<HttpIncomplete, HttpRequest, HttpRefusal>;

/// Of the first request in `bytes`. Takes GET and HEAD without a body, with exactly one Host, nothing else.
HttpParsed parse_http_request(std::string_view bytes);

/// A name in a Host that an attacker's page cannot have: a browser that was told by a hostile DNS server that
/// evil.example is 127.0.0.1 says evil.example. `any_address`: numbers of any host are good too.
bool is_good_host(std::string_view host, bool any_address);

}  // namespace pythonfilter
