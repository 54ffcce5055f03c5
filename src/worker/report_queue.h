// ReportQueue: the zygote's packets to the master. Sends at once, keeps what the socket does not take, and never
// blocks. Used by the zygote only.
#pragma once

#include "base/unique_fd.h"
#include "message/zygote_protocol.h"

#include <deque>
#include <string>

namespace pythonfilter {

class ReportQueue {
public:
    /// `socket` is lent and must be non-blocking.
    explicit ReportQueue(int socket) : socket_(socket) {}

    /// `fd` (lent) goes along when it is not -1.
    void send(const ZygoteReport& report, int fd = -1);
    /// Sends what waits. False when the master has gone.
    bool flush();
    /// flush() until nothing waits, at most `milliseconds`: for the end of the process.
    void flush_for(int milliseconds);

    bool waiting() const { return !waiting_.empty(); }
    /// In a forked child: copies of other workers' pidfds are not its business.
    void forget() { waiting_.clear(); }

private:
    struct Item {
        std::string bytes;
        UniqueFd fd;
    };

    int socket_;
    std::deque<Item> waiting_;
};

}  // namespace pythonfilter
