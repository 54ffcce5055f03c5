// What the server tells of itself on the control socket, as plain values. Made by the master's parts, printed by
// pythonfilterctl; server_status_codec.cpp is how it travels. Texts that came from outside are escaped already. Times
// are in seconds and counted back from the moment of the answer.
#pragma once

#include "base/latency_histogram.h"

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace pythonfilter {

/// The last of its kind, if any.
struct FailureStatus {
    std::string text;      // empty: there was none
    double ago_seconds = 0;
};

struct WorkerStatus {
    std::string label;        // "default/3"
    int pid = 0;              // 0: not forked yet
    std::string state;        // forking, starting, idle, busy, dying, leaving
    std::string filter;       // that runs now, as the worker says
    std::string message_id;   // in progress, as the worker says
    double state_seconds = 0; // in this state; a busy worker: with this message
    int served = 0;           // messages, of this process
    std::int64_t rss_bytes = 0;
    std::uint64_t restarts = 0;   // processes of this label that ended before
    FailureStatus last_failure;   // of this label
};

/// Where the filter of a worker is at this moment.
struct TraceStatus {
    WorkerStatus worker;  // when that was asked
    std::string trace;    // lines, for each thread the innermost call first; empty: there is none
    std::string missing;  // why there is none
};

struct PoolStatus {
    std::string name;
    int generation = 0;
    std::string state;         // starting, serving, failed, stopping
    int workers_wanted = 0;
    int waiting = 0;           // messages, for a worker of this pool
    std::string sandbox_lacks; // what the kernel cannot do of its sandbox
    std::vector<WorkerStatus> workers;
};

struct QueueStatus {
    int waiting = 0;  // messages, over all pools
    int limit = 0;
};

struct ReloadStatus {
    std::string result;        // empty: there was none; serves, given up
    std::vector<std::string> problems;
    double ago_seconds = 0;
};

struct ServerStatus {
    std::string version, build;
    int pid = 0;               // of the master
    std::int64_t rss_bytes = 0;  // of the master
    std::string state;         // starting, serving, draining, stopping
    double uptime_seconds = 0; // of the master
    std::string config_file;
    std::string log_level;
    int generation = 0;        // in force
    int messages_in_work = 0;  // accepted and not answered
    int connections = 0;       // of Courier, now
    QueueStatus queue;
    ReloadStatus last_reload;
    std::vector<std::string> problems;  // of the generation in force
    std::vector<PoolStatus> pools;      // those of a generation that is proved or drains too

    /// No problem, every pool serves, and new messages are taken.
    bool healthy() const;
};

/// Processes of a pool, over all generations; they only grow.
struct WorkerTotals {
    std::uint64_t started = 0;
    std::uint64_t ended = 0;   // <= started
    std::uint64_t failed = 0;  // of those that ended: they were not told to
};

/// Since the start of the master; numbers of messages unless said otherwise. They only grow.
struct ServerStats {
    double uptime_seconds = 0;
    double start_time_seconds = 0;      // since 1970
    std::uint64_t accepted = 0, deferred = 0, rejected = 0, client_gone = 0;
    std::uint64_t not_run_again = 0;    // for what they did to workers before
    std::uint64_t breakers_opened = 0;  // times
    std::map<std::string, std::map<std::string, std::uint64_t>> policy_uses;  // by event and action
    std::map<std::string, std::uint64_t> own_answers;   // that no filter gave, by reason
    std::uint64_t connections = 0;                      // that were accepted
    std::uint64_t connections_without_message = 0;      // of them: no request came, or none that can be understood
    std::uint64_t reloads = 0, reloads_given_up = 0;    // that ended well, or not
    std::map<std::string, WorkerTotals> workers;        // by pool
};

struct FilterStats {
    std::string name;
    std::uint64_t runs = 0;
    std::uint64_t accepted = 0, deferred = 0, rejected = 0;  // messages that it decided about
    std::uint64_t errors = 0, timeouts = 0, crashes = 0, bad_replies = 0, unavailable = 0;
    double mean_ms = 0, p50_ms = 0, p99_ms = 0;              // wall time of a run
    double cpu_ms = 0;                                       // of a run, mean
    double cpu_seconds = 0;                                  // of all runs
    std::string breaker;  // closed, open, probing; empty: it is no part of the chain in force
};

/// How long something took, for the bounds of latency_bounds().
struct LatencyStats {
    std::vector<std::uint64_t> at_most;  // for each bound: so many took no longer
    std::uint64_t count = 0;             // of all
    double sum_seconds = 0;
};
/// In seconds, growing: each twice the one before.
std::span<const double> latency_bounds();
LatencyStats latency_stats(const LatencyHistogram& histogram);

/// Since the start of the master.
struct ServerTimes {
    LatencyStats message;                            // from connect to reply
    std::map<std::string, LatencyStats> queue_wait;  // by pool
    std::map<std::string, LatencyStats> filters;     // a run of each
};

/// What one minute saw, of one filter or of all messages.
struct MinuteStats {
    std::uint64_t runs = 0;  // whose time is known; messages
    std::uint64_t accepted = 0, deferred = 0, rejected = 0;
    std::uint64_t failed = 0;
    double p50_ms = 0, p99_ms = 0;
    bool operator==(const MinuteStats&) const = default;
};

/// The last sixty minutes, the oldest first; the last one runs.
struct ServerHour {
    std::vector<MinuteStats> messages;
    std::map<std::string, std::vector<MinuteStats>> filters;
};

/// All of it at one moment: what the metrics and the status page are made of.
struct ServerSnapshot {
    ServerStatus status;
    ServerStats stats;
    std::vector<FilterStats> filters;
    ServerTimes times;
    ServerHour hour;
};

}  // namespace pythonfilter
