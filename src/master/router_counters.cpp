#include "master/router_counters.h"

namespace pythonfilter {

void RouterCounters::answered(std::string_view reply) {
    hour.decided(verdict_of(reply));
    switch (verdict_of(reply)) {
        case Verdict::accept: ++accepted; return;
        case Verdict::defer: ++deferred; return;
        case Verdict::reject: ++rejected; return;
    }
}

void RouterCounters::took(Duration from_accept_to_reply) {
    latency.add(from_accept_to_reply);
    hour.ran(from_accept_to_reply);
}

void RouterCounters::used(FailureEvent event, FailureAction action) {
    ++policy_uses[static_cast<std::size_t>(event)][static_cast<std::size_t>(action)];
}

void RouterCounters::describe(ServerStats& stats) const {
    stats.accepted = accepted;
    stats.deferred = deferred;
    stats.rejected = rejected;
    stats.client_gone = client_gone;
    stats.not_run_again = poisoned;
    stats.breakers_opened = breakers_opened;
    for (int event = 0; event < kFailureEvents; ++event) {
        for (const auto action : {FailureAction::skip, FailureAction::defer, FailureAction::reject}) {
            const auto uses = policy_uses[static_cast<std::size_t>(event)][static_cast<std::size_t>(action)];
            if (uses == 0) continue;
            const auto name = std::string(to_string(static_cast<FailureEvent>(event)));
            stats.policy_uses[name][std::string(to_string(action))] = uses;
        }
    }
    for (std::size_t i = 0; i < own_answers.size(); ++i)
        stats.own_answers[std::string(kOwnAnswers[i].name)] = own_answers[i];
}

void RouterCounters::describe(ServerTimes& times) const {
    times.message = latency_stats(latency);
    for (const auto& [pool, waits] : queue_wait) times.queue_wait[pool] = latency_stats(waits);
}

}  // namespace pythonfilter
