// RouterCounters: what became of all messages since the start of the server. They only grow. Filled by the router, read
// by whoever tells of them. Pure; add() allocates nothing but at a pool's first message.
#pragma once

#include "base/latency_histogram.h"
#include "config/policy.h"
#include "master/last_hour.h"
#include "master/own_answer.h"
#include "message/reply.h"
#include "message/server_status.h"

#include <array>
#include <cstdint>
#include <map>
#include <string>

namespace pythonfilter {

struct RouterCounters {
    std::uint64_t accepted = 0, deferred = 0, rejected = 0;
    std::uint64_t breakers_opened = 0;
    std::uint64_t poisoned = 0;     // messages answered without being run, for what they did before
    std::uint64_t client_gone = 0;  // messages whose client hung up before its turn: they got no verdict
    std::array<std::array<std::uint64_t, 3>, kFailureEvents> policy_uses{};  // by FailureEvent and FailureAction
    std::array<std::uint64_t, kOwnAnswers.size()> own_answers{};             // by OwnAnswer
    LatencyHistogram latency;                            // from accept to reply
    std::map<std::string, LatencyHistogram> queue_wait;  // of a dispatch, by pool
    LastHour hour;                                       // of latency and verdicts

    void answered(std::string_view reply);
    void took(Duration from_accept_to_reply);
    void used(FailureEvent event, FailureAction action);
    void answered(OwnAnswer answer) { ++own_answers[static_cast<std::size_t>(answer)]; }

    /// What they say of `stats`; the rest of it stays.
    void describe(ServerStats& stats) const;
    void describe(ServerTimes& times) const;
};

}  // namespace pythonfilter
