// parse_http_request: any bytes. A request that is not complete may become one, a complete one stays what it is
// whatever follows, and nothing that is taken is longer than what was said.
#include "demand.h"
#include "master/http_reply.h"
#include "master/http_request.h"

using namespace pythonfilter;

namespace {

void check_same(const HttpRequest& request, std::string_view input) {
    const HttpParsed again = parse_http_request(std::string(input) + "more");
    const auto* same = std::get_if<HttpRequest>(&again);
    DEMAND(same && same->path == request.path && same->host == request.host && same->head_only == request.head_only);
}

void check(const HttpRequest& request, std::string_view input) {
    DEMAND(request.path.starts_with('/') && request.path.find('?') == std::string::npos);
    for (const char c : request.path) DEMAND(static_cast<unsigned char>(c) > ' ');
    DEMAND(!request.host.empty());
    DEMAND(request.path.size() + request.host.size() + request.accept.size() < input.size());
    DEMAND(!is_good_host(request.host, false) || is_good_host(request.host, true));
    if (input.size() < kMaxHttpRequest) check_same(request, input);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input = as_text(data, size);
    const HttpParsed parsed = parse_http_request(input);
    if (const auto* request = std::get_if<HttpRequest>(&parsed)) check(*request, input);
    if (std::holds_alternative<HttpIncomplete>(parsed)) DEMAND(input.size() < kMaxHttpRequest);
    if (const auto* refusal = std::get_if<HttpRefusal>(&parsed))
        DEMAND(compose_http_failure(refusal->status).find("HTTP/1.1 ") == 0);
    return 0;
}
