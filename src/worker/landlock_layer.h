// A Landlock layer of a sandbox plan, asked of the kernel with raw system calls: glibc 2.36 has none, and the headers
// of Debian 12 know the second of seven versions.
#pragma once

#include "base/result.h"
#include "worker/sandbox_plan.h"

namespace pythonfilter {

/// The kernel's Landlock ABI; 0 when it has none, or it is switched off.
int landlock_abi();

/// Puts the calling thread into the layer; no_new_privs must be set. Listed paths that are not there go to `missing`.
Status enter_landlock_layer(const LandlockLayer& layer, std::vector<std::string>& missing);

}  // namespace pythonfilter
