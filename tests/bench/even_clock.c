// Preloaded into a worker whose instructions are counted: a clock on which every look at it takes a microsecond and
// nothing else takes time. What a worker does after a message depends on how long that took, and how long it waited for
// it, and under Valgrind that would say nothing. Must never be loaded into a master, whose waits would not end.
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { kStepNs = 1000, kSecondNs = 1000000000 };

static struct timespec now;  // CLOCK_MONOTONIC at the first look, so that the master can compare; since then by looks

int clock_gettime(clockid_t clock, struct timespec* time) {
    if (clock == CLOCK_REALTIME || now.tv_sec == 0) {
        if (syscall(SYS_clock_gettime, clock, time) != 0) return -1;
        if (clock == CLOCK_MONOTONIC) now = *time;
        return 0;
    }
    now.tv_nsec += kStepNs;
    if (now.tv_nsec >= kSecondNs) {
        now.tv_nsec -= kSecondNs;
        ++now.tv_sec;
    }
    *time = now;
    return 0;
}
