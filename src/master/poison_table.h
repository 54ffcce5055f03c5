// PoisonTable: the messages that workers were lost with. A client whose message was deferred sends it again for days,
// and each time would cost another worker; one that did so often enough is answered without being run. Pure: the time
// is an argument. Owned by the router, so it outlives a reload, not a restart.
//
// Messages are known by their digests (worker/message_digest.h), made with a key that is random for each server: nobody
// outside can make a message that is taken for somebody else's.
#pragma once

#include "base/clock.h"
#include "config/config.h"
#include "message/frames.h"

#include <string>
#include <vector>

namespace pythonfilter {

class PoisonTable {
public:
    static constexpr std::size_t kMaxEntries = 64;  // all go along with each task

    struct Entry {
        MessageDigest digest;
        int kills = 0;       // >= 1
        std::string cause;   // of the last one: "crash in NAME"
        TimePoint expires;
    };

    explicit PoisonTable(const DigestKey& key) : key_(key) {}

    const DigestKey& key() const { return key_; }
    /// A worker was lost with this message. A full table loses the entry that would expire first. The entry stands
    /// until the next call.
    const Entry& killed(const MessageDigest& digest, std::string cause, const PoisonConfig& config, TimePoint now);
    /// Those that are not to be run.
    std::vector<MessageDigest> refused(const PoisonConfig& config, TimePoint now);
    /// nullptr when there is none.
    const Entry* find(const MessageDigest& digest) const;

private:
    void expire(TimePoint now);

    DigestKey key_;
    std::vector<Entry> entries_;  // at most kMaxEntries, digests differ
};

}  // namespace pythonfilter
