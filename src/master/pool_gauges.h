// PoolGauges: what all pools of all generations count together. A pool comes and goes with its generation; these stay
// as long as the server, so that they only grow where they say so. Pure; owned by the server.
#pragma once

#include "message/server_status.h"

#include <map>
#include <string>

namespace pythonfilter {

struct PoolGauges {
    int waiting = 0;  // jobs; >= 0: changed only by JobQueue
    int limit = 0;    // of them
    int busy = 0;     // workers; changed only by WorkerSlot
    std::map<std::string, WorkerTotals> workers;  // by the pool's name
    bool full() const { return waiting >= limit; }
};

}  // namespace pythonfilter
