#include "master/line_reader.h"

#include <cerrno>
#include <unistd.h>

namespace pythonfilter {
namespace {

// A bite ends after the piece with which it is full, so a piece is also by how much it can have too many lines.
constexpr std::size_t kPiece = 1024;
constexpr std::size_t kMaxPiece = 3000;  // with label and escapes a log line of ours stays below its limit

}  // namespace

// Of a process that has ended a message or its life: what it printed is logged first. A default pipe full of text.
const LineReader::Bite LineReader::kWhole{64 * 1024, 1024};
// In one turn of the loop, in which all workers may be flooding. 0.2 ms, 0.7 when it is all LF.
const LineReader::Bite LineReader::kTurn{16 * 1024, 128};

LineReader::LineReader(Loop& loop, UniqueFd pipe, std::function<void(std::string_view)> on_line,
                       std::function<void()> before_read)
    : pipe_(std::move(pipe)),
      on_line_(std::move(on_line)),
      before_read_(std::move(before_read)),
      watch_(loop, pipe_.get(), EV_READ, [this] { read_bite(kTurn); }, kAfterOthers) {}

bool LineReader::drain() { return !read_bite(kWhole); }

// True when there may be more to read.
bool LineReader::read_bite(const Bite& most) {
    before_read_();
    std::size_t bytes = 0, lines = 0;
    while (bytes < most.bytes && lines < most.lines) {
        if (!read_piece(bytes, lines)) return false;
    }
    return true;
}

// Adds to both numbers. False when there is nothing more now.
bool LineReader::read_piece(std::size_t& bytes, std::size_t& lines) {
    if (!pipe_) return false;
    char piece[kPiece];
    const ssize_t n = read(pipe_.get(), piece, sizeof piece);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    if (n <= 0) {
        watch_.stop();
        pipe_.reset();
        return false;
    }
    buffer_.append(piece, static_cast<std::size_t>(n));
    bytes += static_cast<std::size_t>(n);
    lines += split(false);
    return true;
}

// Returns the number of lines.
std::size_t LineReader::split(bool all) {
    std::size_t begin = 0, lines = 0;
    while (begin < buffer_.size()) {
        const auto end = buffer_.find('\n', begin);
        const std::size_t length = (end == std::string::npos ? buffer_.size() : end) - begin;
        if (length > kMaxPiece) {
            on_line_(std::string_view(buffer_).substr(begin, kMaxPiece));
            begin += kMaxPiece;
        } else if (end != std::string::npos || all) {
            on_line_(std::string_view(buffer_).substr(begin, length));
            begin += length + 1;
        } else {
            break;
        }
        ++lines;
    }
    buffer_.erase(0, std::min(begin, buffer_.size()));
    return lines;
}

void LineReader::end_line() { split(true); }

void LineReader::finish() {
    // Bounded: a grandchild may hold the pipe and go on writing, and a big pipe full of LF would hold the loop.
    for (int bites = 0; bites < 4 && read_bite(kWhole); ++bites) {
    }
    split(true);
    watch_.stop();
    pipe_.reset();
}

}  // namespace pythonfilter
