#include "message/request.h"

namespace pythonfilter {
namespace {

const std::string kTooLong = "longer than " + std::to_string(kMaxRequest) + " bytes";

// Blanks around a path were stripped by the program that sites come from; Courier never sends any.
std::string_view strip(std::string_view text) {
    const auto is_blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f'; };
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
    return text;
}

}  // namespace

RequestParser::State RequestParser::feed(std::string_view bytes) {
    while (!bytes.empty()) {
        const auto end = bytes.find('\n');
        const auto piece = bytes.substr(0, end);
        size_ += piece.size() + 1;
        if (size_ > kMaxRequest) return fail(kTooLong);
        if (piece.find('\0') != std::string_view::npos) return fail("NUL byte in a path");
        if (end == std::string_view::npos) {
            line_ += piece;
            --size_;
            return State::incomplete;
        }
        bytes.remove_prefix(end + 1);
        const bool is_whole = line_.empty();  // and so are nearly all
        if (!is_whole) line_ += piece;
        const State state = take_line(is_whole ? piece : line_);
        line_.clear();
        if (state != State::incomplete) return state;
    }
    return State::incomplete;
}

RequestParser::State RequestParser::take_line(std::string_view line) {
    const bool terminator = line.empty() || line == "\r";
    if (terminator) {
        if (request_.body_path.empty()) return fail("no path of the message");
        if (request_.control_paths.empty()) return fail("no path of a control file");
        return State::complete;
    }
    const std::string_view path = strip(line);
    if (path.empty()) return fail("a path of blanks only");
    if (request_.body_path.empty()) {
        request_.body_path = absolute(path);
    } else if (request_.control_paths.size() == kMaxControlFiles) {
        return fail("more than " + std::to_string(kMaxControlFiles) + " control files");
    } else {
        request_.control_paths.push_back(absolute(path));
    }
    return size_ > kMaxRequest ? fail(kTooLong) : State::incomplete;
}

std::string RequestParser::absolute(std::string_view path) {
    if (path.front() == '/') return std::string(path);
    size_ += spool_tmp_.size() + 1;
    return spool_tmp_ + "/" + std::string(path);
}

RequestParser::State RequestParser::fail(std::string problem) {
    problem_ = std::move(problem);
    return State::bad;
}

}  // namespace pythonfilter
