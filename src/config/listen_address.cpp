#include "config/listen_address.h"

#include "config/option_text.h"

#include <arpa/inet.h>
#include <netinet/in.h>

namespace pythonfilter {
namespace {

std::optional<in_addr> ipv4(std::string_view text) {
    in_addr address{};
    if (inet_pton(AF_INET, std::string(text).c_str(), &address) != 1) return std::nullopt;
    return address;
}

std::optional<in6_addr> ipv6(std::string_view text) {
    in6_addr address{};
    if (inet_pton(AF_INET6, std::string(text).c_str(), &address) != 1) return std::nullopt;
    return address;
}

}  // namespace

bool is_ip_address(std::string_view text) { return ipv4(text) || ipv6(text); }

bool is_loopback(std::string_view ip) {
    constexpr in6_addr kLoopback = IN6ADDR_LOOPBACK_INIT;
    if (const auto four = ipv4(ip)) return ntohl(four->s_addr) >> 24 == 127;
    const auto six = ipv6(ip);
    return six && IN6_ARE_ADDR_EQUAL(&*six, &kLoopback);
}

bool ListenAddress::is_local() const { return !path.empty() || is_loopback(ip); }

std::optional<ListenAddress> parse_listen_address(std::string_view text) {
    if (text.find('\0') != std::string_view::npos) return std::nullopt;
    ListenAddress address;
    if (plausible_text(TextRule::path, text)) {
        address.path = text;
        return address;
    }
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) return std::nullopt;
    std::string_view ip = text.substr(0, colon);
    const bool brackets = ip.size() > 2 && ip.front() == '[' && ip.back() == ']';
    if (brackets) ip = ip.substr(1, ip.size() - 2);
    const auto port = parse_whole_number(text.substr(colon + 1));
    if (!port || *port < 1 || *port > 65535 || !(brackets ? ipv6(ip).has_value() : ipv4(ip).has_value()))
        return std::nullopt;
    address.ip = ip;
    address.port = static_cast<int>(*port);
    return address;
}

}  // namespace pythonfilter
