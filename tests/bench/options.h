// What the load client was told (load_client.cpp), for load.cpp and submits.cpp.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace pythonfilter::bench {

struct Options {
    std::string socket;
    std::string messages;         // file: requests one after the other, each with its empty line
    std::string replies;          // file: for each request a line with its reply; empty: any reply is right
    std::vector<std::string> allowed;  // replies that may come instead
    bool lines = false;           // a request is one line, and so is a reply: what mimedefang-multiplexor speaks
    bool submits = false;         // a process for each client
    int clients = 1;
    std::uint64_t count = 0;      // messages in all; 0: no limit
    double seconds = 0;           // 0: no limit
    double timeout_seconds = 30;  // for one reply
};

using Clock = std::chrono::steady_clock;

constexpr auto kPauseAfterRefusal = std::chrono::milliseconds(10);

inline sockaddr_un address_of(const Options& options) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    options.socket.copy(address.sun_path, sizeof address.sun_path - 1);
    return address;
}

inline Clock::duration in_clock(double seconds) {
    return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

inline std::uint64_t in_us(Clock::duration time) {
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(time).count());
}

}  // namespace pythonfilter::bench
