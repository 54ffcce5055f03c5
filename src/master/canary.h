// Canary: one message of the administrator's own that a new generation must answer as expected before it is put in
// force. It goes through the chain like any other, from files of its own in Courier's spool, so that filters may change
// it. Called by the server when generations.h asks for it.
#pragma once

#include "base/result.h"
#include "config/config.h"
#include "master/generation.h"
#include "master/loop.h"
#include "master/router.h"
#include "message/request.h"

#include <functional>
#include <memory>
#include <string>

namespace pythonfilter {

/// The message's files. They go with the object.
class CanaryFiles {
public:
    /// A copy of `server.canary.message`, with a control file for it: null sender, recipient postmaster.
    static Result<std::unique_ptr<CanaryFiles>> make(const Config& config);
    ~CanaryFiles();
    CanaryFiles(const CanaryFiles&) = delete;
    CanaryFiles& operator=(const CanaryFiles&) = delete;

    const Request& request() const { return request_; }

private:
    CanaryFiles() = default;
    std::string directory_;
    Request request_;
};

/// Why the reply is not what was expected; empty: it is.
std::string canary_problem(const CanaryConfig& config, std::string_view reply);

class Canary {
public:
    Canary(Loop& loop, Router& router) : router_(router), to_tell_(loop, [this] { tell(); }) {}

    /// Runs it through a generation whose pools are ready. `done` hears of the problem, or nothing, later and once;
    /// of several tries at a time only the last one's does.
    void run(Generation& generation, std::function<void(std::string problem)> done);

private:
    void end(std::string problem);
    void tell();

    Router& router_;
    std::function<void(std::string)> done_;
    std::string problem_;
    Timer to_tell_;  // not inside the router
};

}  // namespace pythonfilter
