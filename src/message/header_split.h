// Where the header of a message ends, and which Message-ID it has: what stays the same when a client sends a message
// again, while every server on the way adds header fields. Pure; for the digest of a message. Any bytes are safe.
#pragma once

#include <optional>
#include <string_view>

namespace pythonfilter {

struct HeaderSplit {
    std::string_view message_id;  // value of the first such field without the blanks around it; '' without one
    std::size_t body = 0;         // where the body begins; the end of the text when there is none
};

/// `beginning`: the first bytes of the message file; `whole`: they are all of it. Nothing when the header does not end
/// in them.
std::optional<HeaderSplit> split_header(std::string_view beginning, bool whole);

}  // namespace pythonfilter
