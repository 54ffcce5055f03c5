#include "worker/high_fd.h"

#include <algorithm>
#include <fcntl.h>
#include <sys/resource.h>

namespace pythonfilter {
namespace {

constexpr rlim_t kHighestPlace = 4096;  // the kernel's table grows with the highest number
constexpr rlim_t kRoom = 64;

}  // namespace

UniqueFd move_high(UniqueFd fd) {
    for (const int from : {200, 64, 10}) {
        UniqueFd high(fcntl(fd.get(), F_DUPFD_CLOEXEC, from));
        if (high) return high;
    }
    fcntl(fd.get(), F_SETFD, FD_CLOEXEC);
    return fd;
}

UniqueFd move_out_of_reach(UniqueFd fd) {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    const rlim_t soft = std::min(limit.rlim_cur, kHighestPlace);
    const rlimit raised{std::min(std::max(limit.rlim_cur, soft + kRoom), limit.rlim_max), limit.rlim_max};
    setrlimit(RLIMIT_NOFILE, &raised);
    UniqueFd high(fcntl(fd.get(), F_DUPFD_CLOEXEC, static_cast<int>(soft)));
    if (!high && soft > kRoom) high.reset(fcntl(fd.get(), F_DUPFD_CLOEXEC, static_cast<int>(soft - kRoom)));
    setrlimit(RLIMIT_NOFILE, &limit);
    return high ? std::move(high) : move_high(std::move(fd));
}

}  // namespace pythonfilter
