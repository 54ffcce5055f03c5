// The digest by which a message is known again when its client sends it once more: envelope sender, Message-ID and the
// body without headers, since every server on the way adds a header field. Keyed BLAKE2b, so that nobody outside can
// make two messages with one digest. Called by the task runner, and only when the master asks: it reads the whole body.
#pragma once

#include "worker/task_files.h"

#include <string_view>

namespace pythonfilter {

Result<MessageDigest> digest_message(const TaskFiles& files, std::string_view sender, const DigestKey& key);

}  // namespace pythonfilter
