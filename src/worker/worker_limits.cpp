#include "worker/worker_limits.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <cstdio>
#include <sys/resource.h>

namespace pythonfilter {
namespace {

// Hard as well: a filter cannot take it back. Never above what the server was started with.
void limit(__rlimit_resource resource, const char* key, rlim_t value) {
    rlimit now{};
    getrlimit(resource, &now);
    const rlim_t bound = std::min(value, now.rlim_max);
    const rlimit wanted{bound, bound};
    if (setrlimit(resource, &wanted) != 0) std::fprintf(stderr, "worker: limits.%s: %s\n", key, std::strerror(errno));
}

}  // namespace

// SIGXFSZ is ignored in workers: a file that grows too long is an error of write().
void apply_limits(const LimitsConfig& limits, int nice) {
    if (limits.memory) limit(RLIMIT_AS, "memory", static_cast<rlim_t>(limits.memory->bytes));
    if (limits.file_size) limit(RLIMIT_FSIZE, "file_size", static_cast<rlim_t>(limits.file_size->bytes));
    if (limits.files) limit(RLIMIT_NOFILE, "files", static_cast<rlim_t>(*limits.files));
    if (nice != 0 && setpriority(PRIO_PROCESS, 0, nice) != 0)
        std::fprintf(stderr, "worker: nice: %s\n", std::strerror(errno));
}

}  // namespace pythonfilter
