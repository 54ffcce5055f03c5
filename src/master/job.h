// A job: one dispatch of a stage, as the router gives it to a pool; and its result, which comes back as a value exactly
// once.
#pragma once

#include "base/clock.h"
#include "message/frames.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace pythonfilter {

struct JobResult {
    enum class Kind {
        outcome,      // the worker answered: `outcome` holds it
        crashed,      // the worker died, or sent what is no frame of ours: `filter` is to blame
        timed_out,    // `filter` had no time left and the worker was killed
        out_of_time,  // the message's budget is over (in the queue or in a worker)
        unavailable,  // the pool has no worker and will not have one soon
        client_gone,  // the client hung up while the message waited
        stopped,      // the server is stopping
    };
    Kind kind = Kind::unavailable;
    Outcome outcome;
    std::uint32_t filter = 0;                // chain index; of those the job asked for
    bool worker_is_dead = true;              // false: it was killed but did not die; its files are not safe
    bool zygote_died = false;                // and its workers with it: no filter's fault
    std::optional<Progress> progress;        // the last one before the worker died
    std::optional<Identity> began_with;      // of the files when the worker began, if it came that far
    MessageFacts facts;                      // from the scoreboard of a worker that died, raw; empty: it had not begun
    std::string detail;                      // "signal 11 (SIGSEGV)", for the log, raw
    std::string worker;                      // "default/3"; empty when it reached none
    Duration queue_wait{};
};

struct Job {
    Task task;
    std::vector<Duration> timeouts;  // one for each of task.filters
    TimePoint budget_end;
    TimePoint queued_at;
    int attempts = 0;                // dispatches so far; more than one when a worker died before it began
    std::function<bool()> client_gone;
    std::function<void(JobResult&&)> done;  // called exactly once
};

}  // namespace pythonfilter
