// Which recipients a filter took off a message: what was open before it and is not after it, however that was done.
// Pure. The worker calls it after each filter that changed the files; the log names every one, so that no mail is lost
// in silence.
#pragma once

#include "message/frames.h"

#include <optional>

namespace pythonfilter {

/// So many open recipients are compared by address, far more than Courier gives to one message; of the others only
/// the number counts.
inline constexpr std::size_t kMaxComparedRecipients = 10'000;

/// nullopt when nobody is missing. An address that stood there twice is missing when it stands there once; one that was
/// removed and added again is not.
std::optional<Removal> find_removal(std::uint32_t filter, const MessageFacts& before, const MessageFacts& after);

}  // namespace pythonfilter
