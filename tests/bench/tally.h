// Tally: what came back from a server under load, and its JSON form. Filled by load.cpp, printed by load_client.cpp.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace pythonfilter::bench {

/// What happened. Each attempt is in exactly one of: replies, malformed, eof, refused, timeouts.
struct Tally {
    std::vector<std::uint32_t> latencies_us;  // of the attempts in `replies`
    std::map<std::string, std::uint64_t> replies;
    std::map<std::string, std::uint64_t> wrong;    // of those in `replies`: not the reply of its message
    std::map<std::string, std::uint64_t> malformed;
    std::uint64_t eof = 0;           // closed without a byte: Courier answers 432
    std::uint64_t refused = 0;       // connect failed, for any reason but a full backlog
    std::uint64_t timeouts = 0;
    std::uint64_t backlog_full = 0;  // not an attempt: it is made again after a pause
};

void print_tally(const Tally& tally, double seconds, int clients);

}  // namespace pythonfilter::bench
