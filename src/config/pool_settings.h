// Which sections of settings the filters of one pool see: those of all modules, and those of its own filters, which win
// key by key. Pure. The master tells them to the pool's zygote, `pythonfilter check` to the administrator.
#pragma once

#include "config/config.h"

namespace pythonfilter {

SettingsSections pool_settings(const Config& config, const std::string& pool);

}  // namespace pythonfilter
