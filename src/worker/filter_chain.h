// FilterChain: what a filter's result means for the message: go on, decided, or failed. Called by the task runner after
// each hook. Pure: it knows no Python, no files and no clock. The rules are those that filter authors were promised: an
// accept from a filter with a `for` list switches that list off and is kept until another filter has run; any other
// reply ends the chain.
#pragma once

#include "message/frames.h"
#include "message/zygote_protocol.h"

#include <string_view>
#include <vector>

namespace pythonfilter {

enum class ChainStep { go_on, decided, failed };

class FilterChain {
public:
    explicit FilterChain(ChainState state) : state_(std::move(state)) {}

    bool is_bypassed(const FilterSpec& filter) const;

    /// What a hook returned (UTF-8, lone surrogates encoded as they are).
    ChainStep take_reply(const FilterSpec& filter, std::string_view reply);
    /// A hook that failed: go_on when its policy is to skip, as if it had returned ''.
    ChainStep take_failure(const FilterSpec& filter, FailureEvent event, std::string text);

    const ChainState& state() const { return state_; }
    const std::vector<Incident>& incidents() const { return incidents_; }

private:
    ChainStep keep_pending(const FilterSpec& filter, std::string_view reply);

    ChainState state_;
    std::vector<Incident> incidents_;
};

}  // namespace pythonfilter
