// SOCK_SEQPACKET packets with descriptors attached: how the master asks a zygote for a worker and hears of its pidfd.
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"

#include <string>
#include <string_view>
#include <vector>

namespace pythonfilter {

inline constexpr std::size_t kMaxPacket = 128 * 1024;
inline constexpr std::size_t kMaxPacketFds = 8;

struct Packet {
    std::string bytes;
    std::vector<UniqueFd> fds;  // close-on-exec
};

enum class Receive { packet, nothing_yet, closed, failed };

/// Sends one packet; the descriptors are lent. Retries EINTR; EAGAIN comes back as an error.
Status send_packet(int socket, std::string_view bytes, const std::vector<int>& fds = {});

/// Receives one packet. A packet that was cut (too long, too many descriptors) is `failed`.
Receive receive_packet(int socket, Packet& packet);

}  // namespace pythonfilter
