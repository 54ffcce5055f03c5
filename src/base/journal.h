// Journal: a way to systemd's journal that takes fields, for a process whose stderr leads there. Own code, because
// libsystemd's calls block when the journal is slow. Used by LogSink. Must never block, and never keep more than it is
// given.
#pragma once

#include "base/unique_fd.h"

#include <cstddef>
#include <deque>
#include <memory>
#include <string>

namespace pythonfilter {

class Journal {
public:
    /// Nothing unless `fd` is the stream that JOURNAL_STREAM in the environment speaks of, and the journal answers.
    static std::unique_ptr<Journal> behind(int fd);
    /// At that socket.
    explicit Journal(UniqueFd connected) : socket_(std::move(connected)) {}

    void add(std::string packet);
    /// Sends what the journal takes now. True when nothing is left. What it refuses for good is lost.
    bool flush();
    std::size_t bytes() const { return bytes_; }
    int fd() const { return socket_.get(); }

private:
    UniqueFd socket_;
    std::deque<std::string> packets_;
    std::size_t bytes_ = 0;  // of packets_
};

}  // namespace pythonfilter
