// The files of which a worker consists, in one directory: what the master preloads into Python's program, and what that
// loads (src/worker/preload.cpp). No more, as a library that comes before all others includes it.
#pragma once

namespace pythonfilter {

inline constexpr char kPreloadLibrary[] = "pythonfilter-preload.so";
inline constexpr char kWorkerLibrary[] = "pythonfilter-worker.so";

}  // namespace pythonfilter
