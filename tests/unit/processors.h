// How many processors the tests may use: what the loop does depends on whether there is more than one.
#pragma once

#include <sched.h>

inline int count_processors() {
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}
