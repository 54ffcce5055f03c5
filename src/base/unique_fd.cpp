#include "base/unique_fd.h"

#include <cerrno>
#include <unistd.h>

namespace pythonfilter {

void UniqueFd::reset(int fd) {
    if (fd_ >= 0) {
        const int saved = errno;
        ::close(fd_);  // never retried: Linux frees the number even when it reports EINTR
        errno = saved;
    }
    fd_ = fd;
}

}  // namespace pythonfilter
