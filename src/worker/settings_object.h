// Hands the settings of the configuration file to the courier package, as Python objects, before the filters are
// imported: courier.config lets them win over the modules files. Called by start_interpreter. Without settings it
// imports nothing.
#pragma once

#include "base/result.h"
#include "message/zygote_protocol.h"

namespace pythonfilter {

Status hand_over_settings(const ZygoteSpec& spec);

}  // namespace pythonfilter
