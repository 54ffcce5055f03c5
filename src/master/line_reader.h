// LineReader: the stderr of a worker or zygote, read without blocking and given upward line by line. A line longer than
// the log takes comes in pieces; a flood is read in bites bounded in bytes and in lines, so that other events get their
// turn: 64 KiB of nothing but LF are 65,536 lines, and took 40 ms each time.
// What a process says in frames in the same round of events is handled first: it may be the end of a message, and what
// is read here of the next one.
#pragma once

#include "base/unique_fd.h"
#include "master/loop.h"

#include <functional>
#include <string>
#include <string_view>

namespace pythonfilter {

class LineReader {
public:
    /// `before_read` is called before anything is read.
    LineReader(Loop& loop, UniqueFd pipe, std::function<void(std::string_view)> on_line,
               std::function<void()> before_read = [] {});

    /// Reads what is there now (at most a whole bite): before a frame of the same process is handled, so that what it
    /// printed first is logged first. False when there may be more.
    bool drain();
    /// Reads what is left and gives up an unfinished last line: the process is dead.
    void finish();
    /// What has been read last is a line, with or without LF: the process has finished a message.
    void end_line();

private:
    struct Bite {
        std::size_t bytes, lines;
    };
    static const Bite kWhole, kTurn;
    bool read_bite(const Bite& most);
    bool read_piece(std::size_t& bytes, std::size_t& lines);
    std::size_t split(bool all);

    UniqueFd pipe_;
    std::function<void(std::string_view)> on_line_;
    std::function<void()> before_read_;
    std::string buffer_;  // an unfinished line, <= kMaxPiece bytes
    IoWatch watch_;
};

}  // namespace pythonfilter
