// Submits: clients that are a process each and do with their socket what Courier's submit does: connect, one write,
// wait in read(2) until the reply is complete, close without reading further. That is where a server's mail comes from;
// it costs the processors more than load.h, which is for many clients and for strange ones. Used by load_client.cpp.
#pragma once

#include <string>
#include <vector>

#include "judge.h"
#include "options.h"
#include "tally.h"

namespace pythonfilter::bench {

/// Ends after options.seconds. A client that still waits after options.timeout_seconds more is a timeout.
Tally run_submits(const Options& options, const std::vector<std::string>& requests, const Judge& judge);

}  // namespace pythonfilter::bench
