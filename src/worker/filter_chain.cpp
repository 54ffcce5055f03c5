#include "worker/filter_chain.h"

#include "message/reply.h"

#include <algorithm>

namespace pythonfilter {
namespace {

bool contains(const std::vector<std::uint32_t>& list, std::uint32_t value) {
    return std::find(list.begin(), list.end(), value) != list.end();
}

}  // namespace

bool FilterChain::is_bypassed(const FilterSpec& filter) const { return contains(state_.bypassed, filter.index); }

ChainStep FilterChain::take_reply(const FilterSpec& filter, std::string_view reply) {
    switch (classify_reply(reply)) {
        case ReplyClass::none:
            state_.pending_reply.clear();
            return ChainStep::go_on;
        case ReplyClass::accept:
            if (filter.has_bypass) return keep_pending(filter, reply);
            break;
        case ReplyClass::accept_all:
        case ReplyClass::refuse: break;
        case ReplyClass::bad:
            return take_failure(filter, FailureEvent::bad_reply, std::string(reply.substr(0, kMaxIncidentText)));
    }
    state_.pending_reply = reply.substr(0, kMaxReplyText);
    return ChainStep::decided;
}

ChainStep FilterChain::keep_pending(const FilterSpec& filter, std::string_view reply) {
    for (const auto index : filter.bypasses) {
        if (!contains(state_.bypassed, index)) state_.bypassed.push_back(index);
    }
    state_.pending_reply = reply;
    return ChainStep::go_on;
}

ChainStep FilterChain::take_failure(const FilterSpec& filter, FailureEvent event, std::string text) {
    if (text.size() > kMaxIncidentText) text.resize(kMaxIncidentText);
    incidents_.push_back({filter.index, event, std::move(text)});
    if (!filter.skips(event)) return ChainStep::failed;
    state_.pending_reply.clear();
    return ChainStep::go_on;
}

}  // namespace pythonfilter
