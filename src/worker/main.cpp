// pythonfilter-worker: started by the master, never by a person. `--zygote --parent PID`, with the control socket as
// fd 3. A library that preload.cpp loads into Python's own program; its main function is called instead of Python's.
#include "worker/zygote.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <sys/prctl.h>
#include <unistd.h>

namespace {

constexpr int kControlFd = 3;
constexpr int kExitUsage = 64;

// The pid of the master, or nullopt when the command line is not the master's.
std::optional<pid_t> parse(int argc, char** argv) {
    if (argc != 4 || std::strcmp(argv[1], "--zygote") != 0 || std::strcmp(argv[2], "--parent") != 0)
        return std::nullopt;
    char* end = nullptr;
    const long pid = std::strtol(argv[3], &end, 10);
    if (*argv[3] == '\0' || *end != '\0' || pid < 1) return std::nullopt;
    return static_cast<pid_t>(pid);
}

}  // namespace

/// Called by preload.cpp in the place of Python's main().
extern "C" [[gnu::visibility("default")]] int pythonfilter_worker_main(int argc, char** argv, char**) {
    const auto parent = parse(argc, argv);
    if (!parent) {
        std::fprintf(stderr, "pythonfilter-worker is a part of pythonfilter, which starts it itself.\n");
        return kExitUsage;
    }
    prctl(PR_SET_NAME, "pythonfilter-worker");  // cut to 15 characters, as for a program of that name
    // _exit: the interpreter is not taken down, and nothing of an import runs at the end of a zygote.
    _exit(pythonfilter::run_zygote(pythonfilter::UniqueFd(kControlFd), *parent));
}
