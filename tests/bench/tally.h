// Tally: what came back from a server under load, and its JSON form. Filled by load.cpp and submits.cpp, printed by
// load_client.cpp.
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
    std::uint64_t run_us = 0;        // for how long messages were sent and answered; without a count, the mean of
                                     // the clients: the last ones still wait when the others have stopped
    std::uint64_t backlog_full = 0;  // not an attempt: it is made again after a pause
};

/// One more; of texts that nobody expects, some are counted one by one, and the others together.
void count_text(std::map<std::string, std::uint64_t>& counts, const std::string& text, std::uint64_t times = 1);
/// Of several clients together.
void add(Tally& sum, const Tally& other);

/// From one process to another: the whole of it, through a pipe. False when the other end was closed too soon.
void send_tally(const Tally& tally, int fd);
bool receive_tally(Tally& tally, int fd);

void print_tally(const Tally& tally, int clients);

}  // namespace pythonfilter::bench
