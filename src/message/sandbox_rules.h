// The sandbox of a pool with nothing left open: the preset's answer stands where the configuration has none. Made by
// the master, sent to the zygote in its specification. Pure; what the kernel can do of it is the worker's business.
#pragma once

#include "base/byte_buffer.h"
#include "config/config.h"

#include <cstdint>
#include <string>
#include <vector>

namespace pythonfilter {

struct SandboxRules {
    bool guard = false;         // the server and the system are guarded; false: nothing at all is done
    NetworkAccess network = NetworkAccess::allow;
    bool exec = true;
    bool limit_read = false;    // to the baseline, `read` and `write`
    bool limit_write = false;   // to the baseline and `write`
    std::vector<std::string> read, write;
    bool required = false;
    std::string settings;                      // Courier's configuration directory
    std::string spool;                         // where the files of messages are
    std::vector<std::int32_t> protected_pids;  // of the server: guardian and master
    bool operator==(const SandboxRules&) const = default;
};

SandboxRules resolve_sandbox(const SandboxConfig& config, const CourierDirs& courier,
                             std::vector<std::int32_t> protected_pids);

void put_sandbox(ByteWriter& out, const SandboxRules& rules);
/// The caller checks that the reader has finished; false when a value is none of its kind.
bool get_sandbox(ByteReader& in, SandboxRules& rules);

}  // namespace pythonfilter
