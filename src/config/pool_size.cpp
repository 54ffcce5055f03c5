#include "config/pool_size.h"

#include <algorithm>

namespace pythonfilter {

PoolSize pool_size(const WorkersConfig& workers) {
    PoolSize size;
    size.idle = workers.idle;
    size.max = workers.max.value_or(std::max(size.max, workers.min.value_or(0)));
    size.min = workers.min.value_or(std::min(size.min, size.max));
    return size;
}

}  // namespace pythonfilter
