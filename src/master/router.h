// The router: every message that has been accepted and not yet answered. It asks the route for the next step, gives a
// job to a pool, applies the failure policy to what comes back, and at the end answers the client once and writes the
// message's log lines. Knows nothing of sockets, workers or how a reload happens.
#pragma once

#include "master/filter_statistics.h"
#include "master/generation.h"
#include "master/message_log.h"
#include "master/poison_table.h"
#include "master/reporter.h"
#include "master/router_counters.h"
#include "master/task_ids.h"
#include "message/request.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace pythonfilter {

/// What the router must know of the client that sent a message.
struct Client {
    std::function<bool()> has_hung_up;
    /// The reply, once. False when nobody was there to take it.
    std::function<bool(std::string_view)> answer;
};

class Router {
public:
    Router(PoolGauges& gauge, Reporter report);

    /// `generation` is not empty, and so lives, as long as one of its messages does.
    /// `waited`: at the entrance.
    void begin(Generation& generation, Request&& request, TimePoint accepted, Client&& client, Duration waited = {});
    /// Answers a request that no generation takes any more, and logs it.
    void turn_away(const Request& request, TimePoint accepted, const Client& client, OwnAnswer why);

    std::size_t in_flight() const { return messages_.size(); }
    /// Whether a message waits for its answer though its time has been over for `slack`: then something is stuck here.
    bool is_stuck(TimePoint now, Duration slack) const;
    const RouterCounters& counters() const { return counters_; }
    const FilterStatistics& filter_statistics() const { return statistics_; }
    /// Minutes that are over are told as such. Called at the end of each message, and before somebody is told.
    void end_minutes(TimePoint now);
    /// Called once, when the last message has its answer; at once when there is none.
    void when_empty(std::function<void()> done);

private:
    using TaskId = std::uint64_t;

    struct Message {
        Message(Generation& its_generation, Request&& its_request, TimePoint when, Client&& its_client);
        Message(const Message&) = delete;  // its record lends from its request
        Message& operator=(const Message&) = delete;
        Generation& generation;
        Request request;
        Client client;
        TimePoint accepted, budget_end;
        ChainWalk walk;
        ChainWalk::Dispatch dispatch;  // the present one
        Breakers::Filters probes;      // of it
        MessageRecord record;
        std::optional<Identity> facts_of;  // of which files a worker says that the record's facts are
        std::string last_reply, loss;  // while its digest is taken: the answer, and "crash in NAME"
    };
    using Messages = std::unordered_map<std::uint64_t, Message>;

    void step(Messages::iterator message, TimePoint now);
    Job make_job(std::uint64_t id, const Message& message, TimePoint now);
    Job make_filter_job(std::uint64_t id, const Message& message, TimePoint now);
    void take_result(std::uint64_t id, JobResult&& result);
    void take_outcome(Messages::iterator message, Outcome&& outcome, TimePoint now);
    void take_decision(Messages::iterator message, const Outcome& outcome);
    void take_failed_stage(Messages::iterator message, const Outcome& outcome);
    void take_loss(Messages::iterator message, const JobResult& result);
    void end_lost(Messages::iterator message, const JobResult& result, std::string reply);
    void take_digest(std::uint64_t id, const JobResult& result);
    void take_poisoned(Messages::iterator message, const Outcome& outcome);
    void take_unavailable(Messages::iterator message);
    bool apply_policy(Message& message, std::uint32_t filter, FailureEvent event, std::string_view detail);
    void note_runs(Message& message, std::vector<FilterRun> runs);
    void note_left_behind(const Message& message, const std::vector<std::string>& notes);
    void note_removals(Message& message, const std::vector<Removal>& removals);
    void note_skipped(Message& message, const std::vector<Incident>& incidents, std::size_t count);
    void note_policy(const Message& message, std::uint32_t filter, FailureEvent event, std::string_view detail);
    void end(Messages::iterator message, std::string reply, std::string reason = {});
    void end(Messages::iterator message, OwnAnswer why, std::string reason = {});
    void log(const MessageRecord& record, const Generation& generation);

    PoolGauges& gauge_;
    Reporter report_;
    std::uint64_t last_message_ = 0;
    Messages messages_;
    TaskIds task_ids_;
    TimePoint minute_end_ = Clock::now() + 1min;
    PoisonTable poison_;
    RouterCounters counters_;
    FilterStatistics statistics_;
    std::vector<std::function<void()>> when_empty_;
};

}  // namespace pythonfilter
