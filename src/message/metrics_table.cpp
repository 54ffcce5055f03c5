// The rows. `up` stands first: it is also told of a server that does not answer.
#include "message/metrics.h"

#include <algorithm>
#include <map>

namespace pythonfilter {
namespace {

using Samples = MetricSamples;
using Snapshot = ServerSnapshot;

std::uint64_t flag(bool value) { return value ? 1 : 0; }
std::uint64_t natural(std::int64_t value) { return static_cast<std::uint64_t>(std::max<std::int64_t>(value, 0)); }

// Of one pool in both generations that may live.
struct PoolSum {
    bool serves = false;  // in the generation in force
    std::uint64_t wanted = 0, waiting = 0;
    std::int64_t rss_bytes = 0;
    std::map<std::string_view, std::uint64_t> workers;  // by state
};

std::map<std::string, PoolSum> pool_sums(const ServerStatus& status) {
    std::map<std::string, PoolSum> sums;
    for (const PoolStatus& pool : status.pools) {
        PoolSum& sum = sums[pool.name];
        if (pool.generation == status.generation) sum.serves = pool.state == "serving";
        sum.wanted += natural(pool.workers_wanted);
        sum.waiting += natural(pool.waiting);
        for (const std::string_view state : {"forking", "starting", "idle", "busy", "dying", "leaving"})
            sum.workers.try_emplace(state, 0);
        for (const WorkerStatus& worker : pool.workers) {
            sum.rss_bytes += worker.rss_bytes;
            ++sum.workers[worker.state];
        }
    }
    return sums;
}

template <class Use>
void each_pool(const Snapshot& snapshot, Use use) {
    for (const auto& [name, sum] : pool_sums(snapshot.status)) use(name, sum);
}

void add_state(const Snapshot& snapshot, Samples& samples) {
    for (const std::string_view state : {"starting", "serving", "draining", "stopping"})
        samples.add(flag(snapshot.status.state == state), {{"state", state}});
}

void add_verdicts(const Snapshot& snapshot, Samples& samples) {
    samples.add(snapshot.stats.accepted, {{"verdict", "accept"}});
    samples.add(snapshot.stats.deferred, {{"verdict", "defer"}});
    samples.add(snapshot.stats.rejected, {{"verdict", "reject"}});
}

void add_own_answers(const Snapshot& snapshot, Samples& samples) {
    for (const auto& [reason, count] : snapshot.stats.own_answers) samples.add(count, {{"reason", reason}});
    samples.add(snapshot.stats.not_run_again, {{"reason", "not_run_again"}});
}

void add_policy_uses(const Snapshot& snapshot, Samples& samples) {
    for (const auto& [event, actions] : snapshot.stats.policy_uses) {
        for (const auto& [action, uses] : actions) samples.add(uses, {{"event", event}, {"action", action}});
    }
}

void add_workers(const Snapshot& snapshot, Samples& samples) {
    each_pool(snapshot, [&](const std::string& pool, const PoolSum& sum) {
        for (const auto& [state, count] : sum.workers) samples.add(count, {{"pool", pool}, {"state", state}});
    });
}

void add_decisions(const Snapshot& snapshot, Samples& samples) {
    for (const FilterStats& filter : snapshot.filters) {
        samples.add(filter.accepted, {{"filter", filter.name}, {"verdict", "accept"}});
        samples.add(filter.deferred, {{"filter", filter.name}, {"verdict", "defer"}});
        samples.add(filter.rejected, {{"filter", filter.name}, {"verdict", "reject"}});
    }
}

void add_failures(const Snapshot& snapshot, Samples& samples) {
    for (const FilterStats& filter : snapshot.filters) {
        samples.add(filter.errors, {{"filter", filter.name}, {"event", "error"}});
        samples.add(filter.timeouts, {{"filter", filter.name}, {"event", "timeout"}});
        samples.add(filter.crashes, {{"filter", filter.name}, {"event", "crash"}});
        samples.add(filter.bad_replies, {{"filter", filter.name}, {"event", "bad_reply"}});
        samples.add(filter.unavailable, {{"filter", filter.name}, {"event", "unavailable"}});
    }
}

void add_breakers(const Snapshot& snapshot, Samples& samples) {
    for (const FilterStats& filter : snapshot.filters) {
        if (filter.breaker.empty()) continue;
        for (const std::string_view state : {"closed", "open", "probing"})
            samples.add(flag(filter.breaker == state), {{"filter", filter.name}, {"state", state}});
    }
}

template <auto Member>
void add_worker_total(const Snapshot& snapshot, Samples& samples) {
    for (const auto& [pool, totals] : snapshot.stats.workers) samples.add(totals.*Member, {{"pool", pool}});
}

template <auto Member>
void add_pool_sum(const Snapshot& snapshot, Samples& samples) {
    each_pool(snapshot, [&](const std::string& pool, const PoolSum& sum) {
        samples.add(natural(static_cast<std::int64_t>(sum.*Member)), {{"pool", pool}});
    });
}

using enum MetricKind;

constexpr Metric kMetrics[] = {
    {"up", gauge, "", "", "1: the server answers. `pythonfilterctl metrics --into FILE` writes 0 when it does not.",
     [](const Snapshot&, Samples& samples) { samples.add(std::uint64_t{1}); }},
    {"build_info", gauge, "", "version, build", "Always 1; the labels say which program runs.",
     [](const Snapshot& snapshot, Samples& samples) {
         samples.add(std::uint64_t{1}, {{"version", snapshot.status.version}, {"build", snapshot.status.build}});
     }},
    {"start_time_seconds", gauge, "seconds", "", "When the server was started, in seconds since 1970.",
     [](const Snapshot& snapshot, Samples& samples) { samples.add(snapshot.stats.start_time_seconds); }},
    {"state", gauge, "", "state",
     "1 for the state that the server is in, of starting, serving, draining and stopping; 0 for the others.",
     add_state},
    {"healthy", gauge, "", "", "1: it serves, without a problem and in every pool. As the exit status of status says.",
     [](const Snapshot& snapshot, Samples& samples) { samples.add(flag(snapshot.status.healthy())); }},
    {"problems", gauge, "", "", "How many problems the configuration in force has: pools that do not serve, or filters "
                                "that are not available.",
     [](const Snapshot& snapshot, Samples& samples) { samples.add(snapshot.status.problems.size()); }},
    {"generation", gauge, "", "", "The number of the configuration in force: 1 at start, more after a reload.",
     [](const Snapshot& snapshot, Samples& samples) { samples.add(natural(snapshot.status.generation)); }},
    {"reloads", counter, "", "result",
     "Reloads that ended: result is serves, or given_up, where the configuration before stayed in force. The server's "
     "own attempts to mend a problem count too.",
     [](const Snapshot& snapshot, Samples& samples) {
         samples.add(snapshot.stats.reloads, {{"result", "serves"}});
         samples.add(snapshot.stats.reloads_given_up, {{"result", "given_up"}});
     }},
    {"messages", counter, "", "verdict", "Messages that were answered, by verdict: accept, defer or reject.",
     add_verdicts},
    {"own_answers", counter, "", "reason",
     "Messages that the server answered itself, mostly with a 4xx reply, by reason: queue_full, out_of_time, "
     "client_gone, stopping, draining, files_gone, files_changed, not_run_again.",
     add_own_answers},
    {"clients_gone", counter, "", "", "Messages whose client hung up before its reply: they have no verdict.",
     [](const Snapshot& snapshot, Samples& samples) { samples.add(snapshot.stats.client_gone); }},
    {"policy_uses", counter, "", "event, action",
     "How often a failure policy decided, by what had gone wrong in a filter (exception, exit, not_a_string, "
     "bad_reply, timeout, crash, unavailable) and what was done about it (skip, defer, reject).",
     add_policy_uses},
    {"message_duration_seconds", histogram, "seconds", "", "The time of a message from connect to reply.",
     [](const Snapshot& snapshot, Samples& samples) { samples.add(snapshot.times.message); }},
    {"queue_wait_seconds", histogram, "seconds", "pool",
     "How long messages waited for a worker of a pool, those that did not have to wait included.",
     [](const Snapshot& snapshot, Samples& samples) {
         for (const auto& [pool, waits] : snapshot.times.queue_wait) samples.add(waits, {{"pool", pool}});
     }},
    {"connections", counter, "", "", "Connections of Courier that were accepted.",
     [](const Snapshot& snapshot, Samples& samples) { samples.add(snapshot.stats.connections); }},
    {"connections_without_message", counter, "", "",
     "Connections that ended without a message: no request came in time, or none that can be understood.",
     [](const Snapshot& snapshot, Samples& samples) { samples.add(snapshot.stats.connections_without_message); }},
    {"open_connections", gauge, "", "", "Connections of Courier that are open now.",
     [](const Snapshot& snapshot, Samples& samples) { samples.add(natural(snapshot.status.connections)); }},
    {"messages_in_work", gauge, "", "", "Messages that have been accepted and not answered yet.",
     [](const Snapshot& snapshot, Samples& samples) { samples.add(natural(snapshot.status.messages_in_work)); }},
    {"queue_length", gauge, "", "", "Messages that wait for a worker now, over all pools.",
     [](const Snapshot& snapshot, Samples& samples) { samples.add(natural(snapshot.status.queue.waiting)); }},
    {"queue_limit", gauge, "", "", "So many may wait (server.queue.limit).",
     [](const Snapshot& snapshot, Samples& samples) { samples.add(natural(snapshot.status.queue.limit)); }},
    {"pool_queue_length", gauge, "", "pool", "Messages that wait for a worker of this pool.",
     add_pool_sum<&PoolSum::waiting>},
    {"pool_serving", gauge, "", "pool", "1: the pool serves. 0: it starts, has failed, or is being stopped.",
     add_pool_sum<&PoolSum::serves>},
    {"workers", gauge, "", "pool, state",
     "Workers of a pool by state: forking, starting, idle, busy, dying, leaving. During a reload those of the "
     "configuration before count too.",
     add_workers},
    {"workers_wanted", gauge, "", "pool", "How many workers the pool should have now.",
     add_pool_sum<&PoolSum::wanted>},
    {"worker_starts", counter, "", "pool", "Workers that were started.", add_worker_total<&WorkerTotals::started>},
    {"worker_ends", counter, "", "pool", "Workers that ended, for whatever reason.",
     add_worker_total<&WorkerTotals::ended>},
    {"worker_failures", counter, "", "pool",
     "Workers that ended though nobody had told them to: they crashed, were killed over their time or a limit, or "
     "could not start.",
     add_worker_total<&WorkerTotals::failed>},
    {"pool_resident_memory_bytes", gauge, "bytes", "pool",
     "The memory that the pool's workers hold (RSS, summed up: what they share counts for each).",
     add_pool_sum<&PoolSum::rss_bytes>},
    {"master_resident_memory_bytes", gauge, "bytes", "", "The memory that the server's main process holds (RSS).",
     [](const Snapshot& snapshot, Samples& samples) { samples.add(natural(snapshot.status.rss_bytes)); }},
    {"filter_decisions", counter, "", "filter, verdict",
     "Messages that the filter decided about, by verdict: accept, defer or reject. A run that left the decision to the "
     "next filter is in filter_run_seconds only.",
     add_decisions},
    {"filter_failures", counter, "", "filter, event",
     "How often the filter failed: error (an exception left it), timeout, crash, bad_reply, or unavailable (it could "
     "not be run).",
     add_failures},
    {"filter_run_seconds", histogram, "seconds", "filter",
     "The time of a run of the filter that came to its end, an exception included.",
     [](const Snapshot& snapshot, Samples& samples) {
         for (const auto& [filter, times] : snapshot.times.filters) samples.add(times, {{"filter", filter}});
     }},
    {"filter_cpu_seconds", counter, "seconds", "filter",
     "The CPU time of those runs. Quick ones in a row, of up to 50 us, mostly count with all of their time.",
     [](const Snapshot& snapshot, Samples& samples) {
         for (const FilterStats& filter : snapshot.filters) samples.add(filter.cpu_seconds, {{"filter", filter.name}});
     }},
    {"filter_breaker", gauge, "", "filter, state",
     "1 for the state that the filter's breaker is in, of closed, open and probing; 0 for the others. Open: the filter "
     "is switched off after failures in a row.",
     add_breakers},
    {"breakers_opened", counter, "", "", "How often a breaker opened.",
     [](const Snapshot& snapshot, Samples& samples) { samples.add(snapshot.stats.breakers_opened); }},
};

}  // namespace

std::span<const Metric> metrics() { return kMetrics; }

}  // namespace pythonfilter
