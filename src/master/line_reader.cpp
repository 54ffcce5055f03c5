#include "master/line_reader.h"

#include <cerrno>
#include <unistd.h>

namespace pythonfilter {
namespace {

constexpr std::size_t kBite = 64 * 1024;
constexpr std::size_t kMaxPiece = 3000;  // with label and escapes a log line of ours stays below its limit

}  // namespace

LineReader::LineReader(Loop& loop, UniqueFd pipe, std::function<void(std::string_view)> on_line)
    : pipe_(std::move(pipe)), on_line_(std::move(on_line)), watch_(loop, pipe_.get(), EV_READ, [this] { drain(); }) {}

void LineReader::drain() { read_bite(); }

// True when there may be more to read.
bool LineReader::read_bite() {
    if (!pipe_) return false;
    char bite[kBite];
    const ssize_t n = read(pipe_.get(), bite, sizeof bite);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    if (n <= 0) {
        watch_.stop();
        pipe_.reset();
        return false;
    }
    buffer_.append(bite, static_cast<std::size_t>(n));
    split(false);
    return true;
}

void LineReader::split(bool all) {
    std::size_t begin = 0;
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
    }
    buffer_.erase(0, std::min(begin, buffer_.size()));
}

void LineReader::end_line() {
    if (!read_bite()) split(true);  // else there is so much that the end has not been read
}

void LineReader::finish() {
    // Bounded: a grandchild may hold the pipe and go on writing, and a big pipe full of LF would hold the loop.
    for (int bites = 0; bites < 4 && read_bite(); ++bites) {
    }
    split(true);
    watch_.stop();
    pipe_.reset();
}

}  // namespace pythonfilter
