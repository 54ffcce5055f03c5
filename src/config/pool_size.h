// PoolSize: the bounds between which a pool's number of workers moves, with what the configuration leaves open. Pure.
#pragma once

#include "config/config.h"

namespace pythonfilter {

struct PoolSize {
    int min = 2, max = 8;  // 1 <= min <= max
    Duration idle{};
};

PoolSize pool_size(const WorkersConfig& workers);

}  // namespace pythonfilter
