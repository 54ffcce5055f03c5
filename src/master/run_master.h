// run_master(): the master process from start to end. Called by serve.cpp, either in a process that the guardian
// started or in the foreground.
#pragma once

#include "base/unique_fd.h"
#include "config/find_config.h"
#include "master/listen_socket.h"
#include "master/service_manager.h"

namespace pythonfilter {

struct MasterOptions {
    ConfigRequest config;
    UniqueFd listen_fd;         // bound, listening, non-blocking, close-on-exec
    UniqueFd ready_fd;          // one byte is written and it is closed when every pool is ready, failed or timed out
    bool stop_at_stdin_end = false;  // courierfilter: end of file on fd 0 means stop
    ListenSocket* own_socket = nullptr;  // in the foreground, lent: its path is looked after. Else the guardian does
    ServiceManager* service = nullptr;   // lent; in the foreground, when there is one. With it goes own_socket
    bool keep_socket = false;            // by the service manager, for the next process
};

inline constexpr int kExitConfig = 78;  // sysexits.h EX_CONFIG

/// Serves until it is told to stop (SIGTERM, SIGINT, end of stdin). SIGHUP reloads. Returns the exit status: 0 after a
/// stop, kExitConfig when the configuration cannot be loaded, 1 otherwise.
int run_master(MasterOptions options);

}  // namespace pythonfilter
