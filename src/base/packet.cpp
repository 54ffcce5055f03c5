#include "base/packet.h"

#include <cerrno>
#include <cstring>
#include <sys/socket.h>

namespace pythonfilter {

Status send_packet(int socket, std::string_view bytes, const std::vector<int>& fds) {
    iovec data{const_cast<char*>(bytes.data()), bytes.size()};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMaxPacketFds)] = {};
    if (!fds.empty()) {
        if (fds.size() > kMaxPacketFds) return Error{"too many descriptors in one packet"};
        message.msg_control = control;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * fds.size());
        cmsghdr* header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int) * fds.size());
        std::memcpy(CMSG_DATA(header), fds.data(), sizeof(int) * fds.size());
    }
    ssize_t sent;
    do {
        sent = sendmsg(socket, &message, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    if (sent < 0) return errno_error("sendmsg", errno);
    return Done{};
}

Receive receive_packet(int socket, Packet& packet) {
    packet.fds.clear();
    packet.bytes.resize(kMaxPacket);
    iovec data{packet.bytes.data(), packet.bytes.size()};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMaxPacketFds)] = {};
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    ssize_t received;
    do {
        received = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    } while (received < 0 && errno == EINTR);
    if (received < 0) {
        packet.bytes.clear();
        return errno == EAGAIN || errno == EWOULDBLOCK ? Receive::nothing_yet : Receive::failed;
    }
    for (cmsghdr* header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t i = 0; i < count; ++i) {
            int fd;
            std::memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof fd);
            packet.fds.emplace_back(fd);
        }
    }
    packet.bytes.resize(static_cast<std::size_t>(received));
    if (received == 0) return Receive::closed;
    return (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) ? Receive::failed : Receive::packet;
}

}  // namespace pythonfilter
