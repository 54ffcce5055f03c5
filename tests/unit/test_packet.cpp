// Packets: what is sent with its descriptors is received whole, or not at all.
#include "base/packet.h"

#include <cstring>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace pythonfilter;

namespace {

struct Pair {
    UniqueFd a, b;
    Pair() {
        int ends[2];
        REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
        a.reset(ends[0]);
        b.reset(ends[1]);
    }
};

bool same_file(int first, int second) {
    struct stat x {}, y {};
    return fstat(first, &x) == 0 && fstat(second, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

// Descriptors of the process that are open below 200.
int open_descriptors() {
    int count = 0;
    for (int fd = 0; fd < 200; ++fd) count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

}  // namespace

TEST_CASE("packet: bytes and borders are kept") {
    const Pair pair;
    const std::string bytes("a\0b\n", 4);
    REQUIRE(send_packet(pair.a.get(), bytes));
    REQUIRE(send_packet(pair.a.get(), "second"));
    Packet packet;
    REQUIRE(receive_packet(pair.b.get(), packet) == Receive::packet);
    CHECK(packet.bytes == bytes);
    CHECK(packet.fds.empty());
    REQUIRE(receive_packet(pair.b.get(), packet) == Receive::packet);
    CHECK(packet.bytes == "second");
}

TEST_CASE("packet: descriptors arrive in order, close-on-exec, and the sender keeps its own") {
    const Pair pair, first, second;
    REQUIRE(send_packet(pair.a.get(), "fds", {first.a.get(), second.b.get()}));
    Packet packet;
    REQUIRE(receive_packet(pair.b.get(), packet) == Receive::packet);
    REQUIRE(packet.fds.size() == 2);
    CHECK(same_file(packet.fds[0].get(), first.a.get()));
    CHECK(same_file(packet.fds[1].get(), second.b.get()));
    CHECK(packet.fds[0].get() != first.a.get());
    CHECK((fcntl(packet.fds[0].get(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("packet: descriptors of an earlier packet are closed with it") {
    const Pair pair;
    const int before = open_descriptors();
    Packet packet;
    for (int i = 0; i < 3; ++i) {
        REQUIRE(send_packet(pair.a.get(), "fd", {pair.a.get()}));
        REQUIRE(receive_packet(pair.b.get(), packet) == Receive::packet);
        CHECK(open_descriptors() == before + 1);
    }
    packet.fds.clear();
    CHECK(open_descriptors() == before);
}

TEST_CASE("packet: nothing there, and nobody there") {
    Pair pair;
    Packet packet;
    CHECK(receive_packet(pair.b.get(), packet) == Receive::nothing_yet);
    CHECK(packet.bytes.empty());
    pair.a.reset();
    CHECK(receive_packet(pair.b.get(), packet) == Receive::closed);
    CHECK_FALSE(send_packet(pair.b.get(), "x"));  // an error, no SIGPIPE
    CHECK(receive_packet(-1, packet) == Receive::failed);
}

TEST_CASE("packet: the longest is taken, one that was cut is refused") {
    const Pair pair;
    Packet packet;
    const std::string longest(kMaxPacket, 'x');
    REQUIRE(send_packet(pair.a.get(), longest));
    REQUIRE(receive_packet(pair.b.get(), packet) == Receive::packet);
    CHECK(packet.bytes.size() == kMaxPacket);
    REQUIRE(send_packet(pair.a.get(), longest + "x"));
    CHECK(receive_packet(pair.b.get(), packet) == Receive::failed);
}

TEST_CASE("packet: too many descriptors are an error on both sides, and none is left open") {
    const Pair pair;
    const int before = open_descriptors();
    CHECK_FALSE(send_packet(pair.a.get(), "x", std::vector<int>(kMaxPacketFds + 1, pair.a.get())));

    // A hostile sender does not use send_packet().
    const std::vector<int> fds(kMaxPacketFds + 4, pair.a.get());
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * (kMaxPacketFds + 4))] = {};
    char byte = 'x';
    iovec data{&byte, 1};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int) * fds.size());
    std::memcpy(CMSG_DATA(header), fds.data(), sizeof(int) * fds.size());
    REQUIRE(sendmsg(pair.a.get(), &message, 0) == 1);
    Packet packet;
    CHECK(receive_packet(pair.b.get(), packet) == Receive::failed);
    packet.fds.clear();
    CHECK(open_descriptors() == before);
}
