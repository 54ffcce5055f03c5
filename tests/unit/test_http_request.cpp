#include "master/http_reply.h"
#include "master/http_request.h"

#include <doctest/doctest.h>
#include <string>

using namespace pythonfilter;

namespace {

int refusal_of(const std::string& bytes) {
    const HttpParsed parsed = parse_http_request(bytes);
    const auto* refusal = std::get_if<HttpRefusal>(&parsed);
    return refusal ? refusal->status : 0;
}

HttpRequest request_of(const std::string& bytes) {
    const HttpParsed parsed = parse_http_request(bytes);
    REQUIRE(std::holds_alternative<HttpRequest>(parsed));
    return std::get<HttpRequest>(parsed);
}

bool is_incomplete(const std::string& bytes) {
    return std::holds_alternative<HttpIncomplete>(parse_http_request(bytes));
}

}  // namespace

TEST_CASE("http: what is taken of a request") {
    const HttpRequest request = request_of("GET /metrics?debug=1 HTTP/1.1\r\nhost: LocalHost:9780\r\n"
                                           "Accept: application/openmetrics-text;version=1.0.0,*/*\r\n\r\n");
    CHECK(!request.head_only);
    CHECK(request.path == "/metrics");
    CHECK(request.host == "localhost");
    CHECK(request.accept == "application/openmetrics-text;version=1.0.0,*/*");
    CHECK(request_of("HEAD / HTTP/1.0\nHost: [::1]:80\n\nmore that nobody asked for").head_only);
    CHECK(request_of("HEAD / HTTP/1.0\nHost: [::1]:80\n\n").host == "[::1]");
}

TEST_CASE("http: a request in any pieces is the same") {
    const std::string whole = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Empty:\r\nAccept: text/html\r\n\r\n";
    for (std::size_t length = 0; length < whole.size(); ++length) CHECK(is_incomplete(whole.substr(0, length)));
    CHECK(request_of(whole).accept == "text/html");
    CHECK(request_of(whole).host == "127.0.0.1");
}

TEST_CASE("http: what is refused, and how") {
    const std::string host = "Host: localhost\r\n";
    CHECK(refusal_of("POST / HTTP/1.1\r\n" + host + "\r\n") == 405);
    CHECK(refusal_of("DELETE / HTTP/1.1\r\n" + host + "\r\n") == 405);
    CHECK(refusal_of("CONNECT localhost:25 HTTP/1.1\r\n" + host + "\r\n") == 405);
    CHECK(refusal_of("GET / HTTP/2.0\r\n" + host + "\r\n") == 505);
    CHECK(refusal_of("GET / HTTP/1.1\r\n" + host + "Content-Length: 5\r\n\r\nhello") == 413);
    CHECK(refusal_of("GET / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n") == 413);
    CHECK(refusal_of("GET / HTTP/1.1\r\n" + host + "Content-Length: 0\r\n\r\n") == 0);
    CHECK(refusal_of("GET / HTTP/1.1\r\n\r\n") == 400);
    CHECK(refusal_of("GET / HTTP/1.1\r\n" + host + host + "\r\n") == 400);
    CHECK(refusal_of("GET / HTTP/1.1\r\nHost: a:b\r\n\r\n") == 400);
    CHECK(refusal_of("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n") == 400);
    CHECK(refusal_of("GET http://localhost/ HTTP/1.1\r\n" + host + "\r\n") == 400);
    CHECK(refusal_of("OPTIONS * HTTP/1.1\r\n" + host + "\r\n") == 405);
    CHECK(refusal_of("\x16\x03\x01\x02 the beginning of TLS") == 400);
    CHECK(refusal_of("GET /" + std::string("\0", 1) + " HTTP/1.1\r\n" + host + "\r\n") == 400);
    CHECK(refusal_of("GET /\t\t HTTP/1.1\r\n" + host + "\r\n") == 400);
    CHECK(refusal_of("/var/lib/courier/msgs/1\n") == 400);
}

TEST_CASE("http: a request without an end is cut off") {
    CHECK(is_incomplete("GET /" + std::string(kMaxHttpRequest - 100, 'a')));
    CHECK(refusal_of("GET /" + std::string(kMaxHttpRequest, 'a')) == 431);
    CHECK(refusal_of("GET / HTTP/1.1\r\nX: " + std::string(kMaxHttpRequest, 'a') + "\r\n\r\n") == 431);
}

TEST_CASE("http: only a Host that a hostile name server cannot give is good") {
    for (const char* host : {"localhost", "127.0.0.1", "127.1.2.3", "[::1]"}) {
        CAPTURE(host);
        CHECK(is_good_host(host, false));
        CHECK(is_good_host(host, true));
    }
    for (const char* host : {"192.0.2.1", "[2001:db8::1]", "0.0.0.0"}) {
        CAPTURE(host);
        CHECK(!is_good_host(host, false));
        CHECK(is_good_host(host, true));
    }
    for (const char* host : {"", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "127.1", "[]"}) {
        CAPTURE(host);
        CHECK(!is_good_host(host, false));
        CHECK(!is_good_host(host, true));
    }
}

TEST_CASE("http: a reply to HEAD describes the body and leaves it out") {
    HttpReply reply;
    reply.body = "hello";
    const std::string get = compose_http_reply(reply);
    CHECK(get.starts_with("HTTP/1.1 200 OK\r\nDate: "));
    CHECK(get.find("\r\nContent-Length: 5\r\n") != std::string::npos);
    CHECK(get.ends_with("\r\nConnection: close\r\n\r\nhello"));
    reply.head_only = true;
    CHECK(compose_http_reply(reply) + "hello" == get);
    CHECK(compose_http_failure(405).find("\r\nAllow: GET, HEAD\r\n") != std::string::npos);
    CHECK(compose_http_failure(404).find("\r\n\r\n404 Not Found. ") != std::string::npos);
}
