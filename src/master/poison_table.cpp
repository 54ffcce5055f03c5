#include "master/poison_table.h"

#include <algorithm>
#include <utility>

namespace pythonfilter {

const PoisonTable::Entry& PoisonTable::killed(const MessageDigest& digest, std::string cause,
                                              const PoisonConfig& config, TimePoint now) {
    expire(now);
    Entry entry{digest, 1, std::move(cause), now + config.remember};
    if (const Entry* known = find(digest)) {
        entry.kills = known->kills + 1;
        std::erase_if(entries_, [&](const Entry& each) { return each.digest == digest; });
    } else if (entries_.size() == kMaxEntries) {
        entries_.erase(std::min_element(entries_.begin(), entries_.end(),
                                        [](const Entry& a, const Entry& b) { return a.expires < b.expires; }));
    }
    entries_.push_back(std::move(entry));
    return entries_.back();
}

std::vector<MessageDigest> PoisonTable::refused(const PoisonConfig& config, TimePoint now) {
    std::vector<MessageDigest> digests;
    if (config.kills == 0 || entries_.empty()) return digests;
    expire(now);
    for (const Entry& entry : entries_) {
        if (entry.kills >= config.kills) digests.push_back(entry.digest);
    }
    return digests;
}

const PoisonTable::Entry* PoisonTable::find(const MessageDigest& digest) const {
    const auto found =
        std::find_if(entries_.begin(), entries_.end(), [&](const Entry& each) { return each.digest == digest; });
    return found == entries_.end() ? nullptr : &*found;
}

void PoisonTable::expire(TimePoint now) {
    std::erase_if(entries_, [&](const Entry& entry) { return entry.expires <= now; });
}

}  // namespace pythonfilter
