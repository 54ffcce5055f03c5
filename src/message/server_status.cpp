#include "message/server_status.h"

namespace pythonfilter {

bool ServerStatus::healthy() const {
    if (state != "serving" || !problems.empty()) return false;
    for (const PoolStatus& pool : pools) {
        if (pool.generation == generation && pool.state != "serving") return false;
    }
    return true;
}

}  // namespace pythonfilter
