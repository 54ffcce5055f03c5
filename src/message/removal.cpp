#include "message/removal.h"

#include <algorithm>
#include <unordered_map>

namespace pythonfilter {
namespace {

std::vector<std::string> missing_addresses(const MessageFacts& before, const MessageFacts& after) {
    std::unordered_map<std::string_view, std::size_t> left;
    for (const std::string& address : after.recipients) ++left[address];
    std::vector<std::string> missing;
    for (const std::string& address : before.recipients) {
        const auto found = left.find(address);
        if (found == left.end() || found->second == 0) missing.push_back(address);
        else --found->second;
    }
    return missing;
}

}  // namespace

std::optional<Removal> find_removal(std::uint32_t filter, const MessageFacts& before, const MessageFacts& after) {
    Removal removal{filter, missing_addresses(before, after), 0};
    const std::uint32_t fewer = before.recipient_count - std::min(before.recipient_count, after.recipient_count);
    // Without a whole list of what is left, an address that was pushed out of it would be taken for a removed one.
    const bool whole = after.recipients.size() == after.recipient_count;
    if (!whole && removal.recipients.size() > fewer) removal.recipients.resize(fewer);
    removal.count = std::max(fewer, static_cast<std::uint32_t>(removal.recipients.size()));
    if (removal.count == 0) return std::nullopt;
    return removal;
}

}  // namespace pythonfilter
