#include "master/http_request.h"

#include "config/listen_address.h"

#include <algorithm>
#include <http_parser.h>
#include <limits>

namespace pythonfilter {
namespace {

struct Seen {
    std::string target, field, value, host, accept;
    int hosts = 0, accepts = 0;
    bool in_value = false, complete = false;
};

Seen& seen(http_parser* parser) { return *static_cast<Seen*>(parser->data); }

bool equals(std::string_view text, std::string_view small) {
    return std::equal(text.begin(), text.end(), small.begin(), small.end(),
                      [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + ('a' - 'A') : a) == b; });
}

void end_header(Seen& its) {
    if (equals(its.field, "host") && its.hosts++ == 0) its.host = its.value;
    if (equals(its.field, "accept") && its.accepts++ == 0) its.accept = its.value;
    its.field.clear();
    its.value.clear();
    its.in_value = false;
}

int on_url(http_parser* parser, const char* at, std::size_t length) {
    seen(parser).target.append(at, length);
    return 0;
}

int on_header_field(http_parser* parser, const char* at, std::size_t length) {
    Seen& its = seen(parser);
    if (its.in_value) end_header(its);
    its.field.append(at, length);
    return 0;
}

int on_header_value(http_parser* parser, const char* at, std::size_t length) {
    Seen& its = seen(parser);
    its.in_value = true;
    its.value.append(at, length);
    return 0;
}

// A body is not read: it is refused below.
int on_headers_complete(http_parser* parser) {
    end_header(seen(parser));
    seen(parser).complete = true;
    http_parser_pause(parser, 1);
    return 0;
}

http_parser_settings settings() {
    http_parser_settings made;
    http_parser_settings_init(&made);
    made.on_url = on_url;
    made.on_header_field = on_header_field;
    made.on_header_value = on_header_value;
    made.on_headers_complete = on_headers_complete;
    return made;
}

bool has_body(const http_parser& parser) {
    const bool length_said = parser.content_length != std::numeric_limits<std::uint64_t>::max();
    return (parser.flags & F_CHUNKED) != 0 || (length_said && parser.content_length > 0);
}

// "name", "name:port", "[::1]:port" -> what stands before the port; empty when it is none of these.
std::string host_of(std::string_view text) {
    const std::size_t after_brackets = text.starts_with('[') ? text.find(']') : 0;
    if (after_brackets == std::string_view::npos) return {};
    const std::size_t colon = text.find(':', after_brackets);
    const std::string_view port = colon == std::string_view::npos ? "" : text.substr(colon + 1);
    if (port.find_first_not_of("0123456789") != std::string_view::npos || port.size() > 5) return {};
    std::string host(text.substr(0, colon));
    for (char& c : host) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
    return host;
}

// The parser takes tabs and the like for a part of it.
bool is_path(std::string_view text) {
    const auto is_visible = [](const char c) { return static_cast<unsigned char>(c) > ' ' && c != 0x7f; };
    return text.starts_with('/') && std::all_of(text.begin(), text.end(), is_visible);
}

HttpParsed meaning(const http_parser& parser, Seen& its) {
    if (parser.method != HTTP_GET && parser.method != HTTP_HEAD) return HttpRefusal{405};
    if (parser.http_major != 1 || parser.http_minor > 1) return HttpRefusal{505};
    if (has_body(parser)) return HttpRefusal{413};
    HttpRequest request{parser.method == HTTP_HEAD, its.target.substr(0, its.target.find('?')), host_of(its.host),
                        std::move(its.accept)};
    if (!is_path(request.path) || its.hosts != 1 || request.host.empty()) return HttpRefusal{400};
    return request;
}

}  // namespace

HttpParsed parse_http_request(std::string_view bytes) {
    static const http_parser_settings kSettings = settings();
    Seen its;
    http_parser parser;
    http_parser_init(&parser, HTTP_REQUEST);
    parser.data = &its;
    http_parser_execute(&parser, &kSettings, bytes.data(), std::min(bytes.size(), kMaxHttpRequest));
    if (its.complete) return meaning(parser, its);
    if (HTTP_PARSER_ERRNO(&parser) != HPE_OK) return HttpRefusal{400};
    return bytes.size() < kMaxHttpRequest ? HttpParsed(HttpIncomplete{}) : HttpParsed(HttpRefusal{431});
}

bool is_good_host(std::string_view host, bool any_address) {
    if (host == "localhost") return true;
    const bool brackets = host.size() > 2 && host.front() == '[' && host.back() == ']';
    const std::string_view ip = brackets ? host.substr(1, host.size() - 2) : host;
    return any_address ? is_ip_address(ip) : is_loopback(ip);
}

}  // namespace pythonfilter
