// The one clock of the project: CLOCK_MONOTONIC, the same in master and workers, so that a start time written by a
// worker can be compared with a deadline of the master. Pure policy functions get a TimePoint as an argument.
#pragma once

#include <chrono>
#include <cstdint>

namespace pythonfilter {

using Clock = std::chrono::steady_clock;  // CLOCK_MONOTONIC with libstdc++
using TimePoint = Clock::time_point;
using Duration = std::chrono::nanoseconds;
using std::chrono_literals::operator""s;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""us;
using std::chrono_literals::operator""ns;
using std::chrono_literals::operator""min;
using std::chrono_literals::operator""h;

/// CPU time (user and system) that the calling thread has used.
Duration thread_cpu_time();

/// A TimePoint as nanoseconds, for shared memory and frames; and back.
inline std::uint64_t to_nanoseconds(TimePoint t) { return static_cast<std::uint64_t>(t.time_since_epoch().count()); }
inline TimePoint from_nanoseconds(std::uint64_t ns) { return TimePoint(Duration(static_cast<std::int64_t>(ns))); }

inline double to_seconds(Duration d) { return std::chrono::duration<double>(d).count(); }

}  // namespace pythonfilter
