// The doctor's look at Courier's two directories of filter sockets: Courier asks whatever stands there, and a socket
// that nobody serves defers all mail.
#pragma once

#include "config/config.h"
#include "ctl/finding.h"

namespace pythonfilter {

struct SocketChecks {
    Findings findings;
    bool unknown = false;    // the directories cannot be read by this user
    bool own_is_there = false;
    bool any_refuses = false;
};

SocketChecks check_filter_sockets(const Config& config);

}  // namespace pythonfilter
