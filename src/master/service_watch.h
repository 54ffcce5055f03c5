// ServiceWatch: what the service manager hears while the server runs: that it is alive, as long as every message gets
// its answer in time, and its numbers. Called by the server. A loop that turns but answers nobody is not alive.
#pragma once

#include "master/loop.h"
#include "master/service_manager.h"

#include <functional>
#include <string>

namespace pythonfilter {

class ServiceWatch {
public:
    struct Callbacks {
        std::function<bool()> is_well;
        std::function<std::string()> status;  // one line
    };

    /// `manager` is lent.
    ServiceWatch(Loop& loop, ServiceManager& manager, Callbacks callbacks);

    void ready();
    /// From now on nothing is said any more; the stop takes this long at most.
    void stopping(Duration at_most);
    /// Has the socket kept in the place of an older one.
    void keep(const ListenSocket& socket) { manager_.keep(socket); }

private:
    void tick();

    ServiceManager& manager_;
    Callbacks callbacks_;
    Duration period_;
    Timer to_tick_;
};

}  // namespace pythonfilter
