// Judge: what a client got as its reply is put into a tally. Well-formed is what Courier takes (reply_check.h), or a
// line where lines are spoken; a well-formed reply may still be that of another message. Used by load.cpp and
// submits.cpp.
#pragma once

#include "options.h"
#include "reply_check.h"
#include "tally.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace pythonfilter::bench {

class Judge {
public:
    /// `replies`: by request; none: any reply is right.
    Judge(const Options& options, std::vector<std::string> replies)
        : lines_(options.lines), allowed_(options.allowed), replies_(std::move(replies)) {}

    /// `reply`: all that came before the end. False when that was nothing.
    bool note(std::size_t request, const std::string& reply, Clock::duration took, Tally& tally) const {
        if (reply.empty()) {
            ++tally.eof;
            return false;
        }
        if (!is_well_formed(reply)) {
            count_text(tally.malformed, reply);
            return true;
        }
        tally.latencies_us.push_back(static_cast<std::uint32_t>(in_us(took)));
        note_text(request, reply.substr(0, reply.size() - 1), tally);
        return true;
    }

    bool is_well_formed(const std::string& reply) const {
        return lines_ ? reply.find('\n') == reply.size() - 1 : is_one_reply(reply);
    }

private:
    void note_text(std::size_t request, const std::string& reply, Tally& tally) const {
        if (replies_.empty()) return count_text(tally.replies, reply);
        const std::string& right = replies_[request];
        const bool may_be = reply == right || std::find(allowed_.begin(), allowed_.end(), reply) != allowed_.end();
        if (!may_be) count_text(tally.wrong, reply + " instead of " + right);
        count_text(tally.replies, reply == right ? "(the right one)" : reply);
    }

    const bool lines_;
    const std::vector<std::string> allowed_, replies_;
};

}  // namespace pythonfilter::bench
