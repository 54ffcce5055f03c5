// Settings in the bytes of a packet: matching put and get, for zygote_protocol. What put writes is as long as
// packed_size() says; get refuses what is nested more deeply than a configuration can be.
#pragma once

#include "base/byte_buffer.h"
#include "config/settings.h"

#include <optional>

namespace pythonfilter {

void put_settings(ByteWriter& out, const SettingsSections& sections);

/// nullopt when the bytes are no settings; in.failed() then need not be set.
std::optional<SettingsSections> get_settings(ByteReader& in);

}  // namespace pythonfilter
