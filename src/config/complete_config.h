// The second half of loading, the same for both file formats: checks that compare several keys, and the effective
// values of every filter. Called by the loaders, with the places of what they read.
#pragma once

#include "config/config.h"
#include "config/load_report.h"

namespace pythonfilter {

/// Reports what does not fit together (errors, and warnings for what is probably not meant), then fills in
/// effective_timeout, policy and origin of each filter and config.warnings.
void complete_config(Config& config, const Places& places, LoadReport& report);

/// The nearest level at which each event is decided: filter, pool, top level, built-in default.
FailurePolicy effective_policy(const FailureKeys& filter, const FailureKeys& pool, const FailureKeys& top);

}  // namespace pythonfilter
