// Where the status page listens: an address with a port, or the path of a socket. Pure: nothing is looked up.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace pythonfilter {

struct ListenAddress {
    std::string path;  // of a Unix socket; empty: the rest counts
    std::string ip;    // numeric, without brackets
    int port = 0;      // 1..65535

    bool is_ipv6() const { return ip.find(':') != std::string::npos; }
    /// Nobody reaches it from another host.
    bool is_local() const;
};

/// "127.0.0.1:9780", "[::1]:9780" or "/path"; nothing when it is none of these.
std::optional<ListenAddress> parse_listen_address(std::string_view text);
/// A numeric address that leads to this host only: 127.0.0.0/8 or ::1.
bool is_loopback(std::string_view ip);
/// An IPv4 or IPv6 address in numbers, without brackets.
bool is_ip_address(std::string_view text);

}  // namespace pythonfilter
