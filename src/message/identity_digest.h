// IdentityDigest: the Identity of a message's files out of what stat() says of each. The worker takes it around every
// filter; the master takes it where a worker died and none will look again. Pure.
#pragma once

#include "message/frames.h"

#include <cstdint>

namespace pythonfilter {

/// Two multiplicative hashes with different constants. Nobody attacks them: who can write these files can do worse.
class IdentityDigest {
public:
    /// A struct stat. The body first, then the control files in order.
    template <class Stat>
    void add(const Stat& info) {
        mix(static_cast<std::uint64_t>(info.st_dev));
        mix(static_cast<std::uint64_t>(info.st_ino));
        mix(static_cast<std::uint64_t>(info.st_size));
        for (const auto& time : {info.st_mtim, info.st_ctim}) {
            mix(static_cast<std::uint64_t>(time.tv_sec));
            mix(static_cast<std::uint64_t>(time.tv_nsec));
        }
    }
    Identity identity() const { return Identity{{a_, b_}}; }

private:
    void mix(std::uint64_t value) {
        a_ = (a_ ^ value) * 0x9E3779B97F4A7C15u;
        a_ ^= a_ >> 32;
        b_ = (b_ + value) * 0xD6E8FEB86659FD93u;
        b_ ^= b_ >> 29;
    }

    std::uint64_t a_ = 1, b_ = 2;
};

}  // namespace pythonfilter
