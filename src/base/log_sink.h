// LogSink: where log lines leave the process, without ever blocking it. fd 2 is shared with Courier's other filters, so
// its flags are not ours to change: the sink reopens /proc/self/fd/2 write-only and non-blocking; a socket is written
// with MSG_DONTWAIT; where both are refused (a pipe that root made) a thread does the writing. Lines that find no room
// in the bounded buffer are counted, and the count is logged when there is room again.
#pragma once

#include "base/log.h"
#include "base/unique_fd.h"

#include "base/journal.h"
#include "base/log_format.h"

#include <cstdint>
#include <memory>
#include <string>

namespace pythonfilter {

class LogSink {
public:
    /// Writes to what `fd` (lent) refers to.
    explicit LogSink(int fd);
    ~LogSink();
    LogSink(const LogSink&) = delete;
    LogSink& operator=(const LogSink&) = delete;

    /// Of the lines that follow. From the first call on plain ones go to the journal with their fields, where `fd`
    /// leads there. For processes that stay: of one that is gone when the journal looks, it does not know the unit.
    void set_format(LogFormat format);
    /// Adds one line to the buffer. `text` is already escaped where it came from outside.
    void line(LogLevel level, std::string_view text, const LogFields& fields = {});
    /// Whether the form of the lines has room for fields.
    bool takes_fields() const { return format_ != LogFormat::plain || journal_; }
    /// Bytes that have not been written.
    std::size_t waiting() const { return buffer_.size() + (journal_ ? journal_->bytes() : 0); }
    /// Writes what the descriptor takes now. True when the buffer is empty afterwards.
    bool flush();
    /// Flushes until empty or until `milliseconds` are over: for the end of a process.
    void flush_for(int milliseconds);
    /// To wait for room after flush() returned false; -1 when a thread writes.
    int poll_fd() const;

    std::uint64_t dropped() const { return dropped_; }

private:
    struct Thread;
    std::ptrdiff_t write_some(std::string_view bytes);
    void add(LogLevel level, std::string_view text, const LogFields& fields);
    bool flush_stream();

    UniqueFd own_;            // the reopened descriptor, if that was allowed
    int fd_ = -1;             // where to write: own_ or the lent one
    bool is_socket_ = false;
    std::unique_ptr<Thread> thread_;
    std::unique_ptr<Journal> journal_;  // when fd_ leads there
    LogFormat format_ = LogFormat::plain;
    std::string buffer_;      // whole lines; at most kBufferLimit bytes
    std::uint64_t dropped_ = 0;      // lines since the start, only grows
    std::uint64_t reported_ = 0;     // <= dropped_: how many of them a log line has told of
};

}  // namespace pythonfilter
