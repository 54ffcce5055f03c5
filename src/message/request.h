// The request that Courier sends: the body's path, one line for each control file, an empty line. Parsed as it arrives.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pythonfilter {

struct Request {
    std::string body_path;
    std::vector<std::string> control_paths;
};

/// Of the request, with its paths made absolute. Far above what Courier sends: 10,000 recipients are 100 control files
/// and 5 kB. Together with kMaxControlFiles it makes sure that a task always fits into a frame.
inline constexpr std::size_t kMaxRequest = 256 * 1024;

/// Each will be a descriptor in the worker. Enough for 400,000 recipients.
inline constexpr std::size_t kMaxControlFiles = 4096;

/// Reads requests in any pieces.
class RequestParser {
public:
    enum class State { incomplete, complete, bad };

    /// Relative paths are made absolute with `spool_tmp` (<localstatedir>/tmp), which outlives this.
    explicit RequestParser(const std::string& spool_tmp) : spool_tmp_(spool_tmp) {}
    explicit RequestParser(std::string&&) = delete;  // a temporary does not

    /// Takes what arrived. Bytes after the empty line are ignored, as Courier sends none.
    State feed(std::string_view bytes);

    /// Valid after `complete`.
    Request& request() { return request_; }
    /// Valid after `bad`: what was wrong, for the log.
    const std::string& problem() const { return problem_; }
    bool started() const { return size_ > 0; }

private:
    State take_line(std::string_view line);
    State fail(std::string problem);
    std::string absolute(std::string_view path);

    const std::string& spool_tmp_;
    std::string line_;       // an unfinished line
    std::size_t size_ = 0;   // bytes taken, and what relative paths got in front; <= kMaxRequest unless it failed
    Request request_;
    std::string problem_;
};

}  // namespace pythonfilter
