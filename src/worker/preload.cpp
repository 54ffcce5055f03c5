// Makes Python's own program a pythonfilter-worker: this library is preloaded into it by the master, and main() is that
// of the other one, pythonfilter-worker.so (main.cpp), which starts the interpreter that the program has. Debian's
// python3 runs the same filter in a tenth to a fifth less time than libpython, which is position-independent code. What
// is preloaded also comes before the C library (changing_calls.h). The price: that program lies at a fixed address, as
// for every Python on the machine. In any other program this changes nothing: tools that start programs in their own
// way, as Valgrind does, get it too. No C++ library is needed here, so that none of them gets one.
#include "message/worker_libraries.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <limits.h>

namespace {

using pythonfilter::kPreloadLibrary;
using pythonfilter::kWorkerLibrary;

using Main = int(int, char**, char**);
using Hook = void();

constexpr int kExitNoProgram = 127;

// Programs that filters start do not get this library, nor what the master put before it; but what the site preloads.
// An empty variable is none.
void restore_variable() {
    const char* const list = std::getenv("LD_PRELOAD");
    const char* const own = list ? std::strstr(list, kPreloadLibrary) : nullptr;
    if (!own) return;
    const char* const others = own + std::strlen(kPreloadLibrary);
    if (others[0] == '\0' || others[1] == '\0') unsetenv("LD_PRELOAD");
    else setenv("LD_PRELOAD", others + 1, 1);
}

// It lies beside this one.
void* load_worker_library() {
    Dl_info info{};
    if (dladdr(reinterpret_cast<void*>(&restore_variable), &info) == 0) return nullptr;
    const char* const slash = std::strrchr(info.dli_fname, '/');
    const auto directory = static_cast<int>(slash ? slash + 1 - info.dli_fname : 0);
    char path[PATH_MAX];
    std::snprintf(path, sizeof path, "%.*s%s", directory, info.dli_fname, kWorkerLibrary);
    return dlopen(path, RTLD_NOW);
}

int worker_main(int argc, char** argv, char** environment) {
    restore_variable();
    void* const library = load_worker_library();
    auto* const run = library ? reinterpret_cast<Main*>(dlsym(library, "pythonfilter_worker_main")) : nullptr;
    if (run) return run(argc, argv, environment);
    const char* const why = dlerror();
    std::fprintf(stderr, "pythonfilter-worker cannot start: %s\n", why ? why : "its library is not found");
    return kExitNoProgram;
}

}  // namespace

/// The C library's, which each program calls first, with its main().
extern "C" [[gnu::visibility("default")]] int __libc_start_main(Main* main, int argc, char** argv, Hook* init,
                                                                Hook* fini, Hook* linker_fini, void* stack_end) {
    using Start = int(Main*, int, char**, Hook*, Hook*, Hook*, void*);
    auto* const start = reinterpret_cast<Start*>(dlsym(RTLD_NEXT, "__libc_start_main"));
    const bool is_worker = argc > 1 && std::strcmp(argv[1], "--zygote") == 0;
    return start(is_worker ? worker_main : main, argc, argv, init, fini, linker_fini, stack_end);
}
