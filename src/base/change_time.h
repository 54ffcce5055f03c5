// What a file's time of change (ctime) proves: writing to the file, renaming it, renaming another over it and removing
// it all change it. Used where the same file is looked at again and again, through a descriptor, which costs a third of
// a look by its path.
#pragma once

#include <cstdlib>
#include <ctime>

namespace pythonfilter {

inline bool same_time(const timespec& a, const timespec& b) { return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec; }

/// True when every change from now on gives the file another time than this one. The clock of file systems ticks up to
/// every 10 ms: two changes within a tick leave the same time. Where file systems keep whole seconds only, none shows.
inline bool next_change_shows(const timespec& changed) {
    constexpr long long kTick = 20'000'000;
    if (changed.tv_nsec == 0) return false;
    timespec now{};
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    return std::llabs((now.tv_sec - changed.tv_sec) * 1'000'000'000LL + now.tv_nsec - changed.tv_nsec) > kTick;
}

}  // namespace pythonfilter
