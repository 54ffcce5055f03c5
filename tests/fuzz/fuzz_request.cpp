// RequestParser: any bytes in any pieces. The pieces must not matter, and what is complete can be sent to a worker.
// Input: one byte, the length of the pieces; the request.
#include "demand.h"
#include "message/frames.h"
#include "message/reply.h"
#include "message/request.h"

using namespace pythonfilter;
using State = RequestParser::State;

namespace {

State feed_in_pieces(RequestParser& parser, std::string_view bytes, std::size_t length) {
    State state = State::incomplete;
    while (state == State::incomplete && !bytes.empty()) state = parser.feed(take_text(bytes, length));
    return state;
}

void check_path(const std::string& path) {
    DEMAND(path.starts_with('/'));
    DEMAND(path.find('\n') == std::string::npos && path.find('\0') == std::string::npos);
}

void check_complete(const Request& request) {
    check_path(request.body_path);
    DEMAND(!request.control_paths.empty() && request.control_paths.size() <= kMaxControlFiles);
    for (const auto& path : request.control_paths) check_path(path);
    Task task;
    task.state.pending_reply.resize(kMaxReplyText);
    task.body_path = request.body_path;
    task.control_paths = request.control_paths;
    DEMAND(encode(task).size() <= kMaxFrame);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view input = as_text(data, size);
    const std::size_t length = 1 + take_number(input);
    const std::string spool_tmp = "/var/lib/courier/tmp";
    RequestParser whole(spool_tmp), pieces(spool_tmp);
    const State state = feed_in_pieces(whole, input, input.size());
    DEMAND(feed_in_pieces(pieces, input, length) == state);
    DEMAND((state == State::bad) == !whole.problem().empty());
    if (state != State::complete) return 0;
    check_complete(whole.request());
    DEMAND(pieces.request().body_path == whole.request().body_path);
    DEMAND(pieces.request().control_paths == whole.request().control_paths);
    return 0;
}
