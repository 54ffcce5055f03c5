#include "worker/tidy_up.h"

#include "worker/high_fd.h"

#include <climits>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

namespace pythonfilter {
namespace {

bool has_timer() {
    itimerval timer{};
    return getitimer(ITIMER_REAL, &timer) == 0 && (timer.it_value.tv_sec != 0 || timer.it_value.tv_usec != 0);
}

std::string current_directory() {
    char path[PATH_MAX];
    return getcwd(path, sizeof path) != nullptr ? path : "";
}

bool is_open(int fd) { return fcntl(fd, F_GETFD) >= 0; }

// One read-only look that costs a tenth of setting it anew.
bool is_blocked_as(const sigset_t& mask) {
    sigset_t now{};  // the kernel fills only its part
    pthread_sigmask(SIG_SETMASK, nullptr, &now);
    return std::memcmp(&now, &mask, sizeof now) == 0;
}

}  // namespace

TidyUp::TidyUp(UniqueFd error) : error_(move_out_of_reach(std::move(error))) {
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) close(fd);
    mend_standard_fds();
}

void TidyUp::set_baseline() {
    has_timer_ = has_timer();
    pthread_sigmask(SIG_SETMASK, nullptr, &mask_);
    umask_ = umask(0);
    umask(umask_);
    directory_ = current_directory();
}

void TidyUp::run() {
    mend_standard_fds();
    if (!has_timer_ && has_timer()) {
        const itimerval none{};
        setitimer(ITIMER_REAL, &none, nullptr);
    }
    if (!is_blocked_as(mask_)) pthread_sigmask(SIG_SETMASK, &mask_, nullptr);
    umask(umask_);
    if (!directory_.empty() && current_directory() != directory_ && chdir(directory_.c_str()) != 0) directory_.clear();
}

// Lowest first: open() and dup take the lowest free number.
void TidyUp::mend_standard_fds() const {
    if (!is_open(STDIN_FILENO)) {
        const int null = open("/dev/null", O_RDWR);
        if (null > STDIN_FILENO) {
            dup2(null, STDIN_FILENO);
            close(null);
        }
    }
    for (const int fd : {STDOUT_FILENO, STDERR_FILENO}) {
        if (!is_open(fd)) dup2(error_.get(), fd);
    }
}

}  // namespace pythonfilter
