#include "worker/high_fd.h"

#include <fcntl.h>

namespace pythonfilter {

UniqueFd move_high(UniqueFd fd) {
    for (const int from : {200, 64, 10}) {
        UniqueFd high(fcntl(fd.get(), F_DUPFD_CLOEXEC, from));
        if (high) return high;
    }
    fcntl(fd.get(), F_SETFD, FD_CLOEXEC);
    return fd;
}

}  // namespace pythonfilter
