// One line for each struct: the macro writes both directions, so that they cannot drift.
#include "message/server_status_codec.h"

namespace pythonfilter {

// The library's own macro of this kind knows only objects that sort their keys.
#define PYTHONFILTER_JSON(Type, ...)                                                                            \
    static void to_json(Json& nlohmann_json_j, const Type& nlohmann_json_t) {                                   \
        NLOHMANN_JSON_EXPAND(NLOHMANN_JSON_PASTE(NLOHMANN_JSON_TO, __VA_ARGS__))                                \
    }                                                                                                           \
    static void from_json(const Json& nlohmann_json_j, Type& nlohmann_json_t) {                                 \
        const Type nlohmann_json_default_obj{};                                                                 \
        NLOHMANN_JSON_EXPAND(NLOHMANN_JSON_PASTE(NLOHMANN_JSON_FROM_WITH_DEFAULT, __VA_ARGS__))                 \
    }

PYTHONFILTER_JSON(FailureStatus, text, ago_seconds)
PYTHONFILTER_JSON(WorkerStatus, label, pid, state, filter, message_id, state_seconds,
                  served, rss_bytes, restarts, last_failure)
PYTHONFILTER_JSON(TraceStatus, worker, trace, missing)
PYTHONFILTER_JSON(PoolStatus, name, generation, state, workers_wanted, waiting,
                  sandbox_lacks, workers)
PYTHONFILTER_JSON(QueueStatus, waiting, limit)
PYTHONFILTER_JSON(ReloadStatus, result, problems, ago_seconds)
PYTHONFILTER_JSON(ServerStatus, version, build, pid, rss_bytes, state, uptime_seconds, config_file,
                  log_level, generation, messages_in_work, connections, queue, last_reload, problems,
                  pools)
PYTHONFILTER_JSON(WorkerTotals, started, ended, failed)
PYTHONFILTER_JSON(ServerStats, uptime_seconds, start_time_seconds, accepted, deferred, rejected, client_gone,
                  not_run_again, breakers_opened, policy_uses, own_answers, connections,
                  connections_without_message, reloads, reloads_given_up, workers)
PYTHONFILTER_JSON(FilterStats, name, runs, accepted, deferred, rejected, errors, timeouts,
                  crashes, bad_replies, unavailable, mean_ms, p50_ms, p99_ms, cpu_ms, cpu_seconds, breaker)

namespace {

// The library tells a wrong type by an exception; this is where it stops.
template <class T>
std::optional<T> decoded(const Json& json) {
    try {
        return json.get<T>();
    } catch (const Json::exception&) {
        return std::nullopt;
    }
}

}  // namespace

Json to_json(const ServerStatus& status) { return Json(status); }
Json to_json(const TraceStatus& trace) { return Json(trace); }
Json to_json(const ServerStats& stats) { return Json(stats); }
Json to_json(const std::vector<FilterStats>& filters) { return Json(filters); }

std::optional<ServerStatus> status_from_json(const Json& json) { return decoded<ServerStatus>(json); }
std::optional<TraceStatus> trace_from_json(const Json& json) { return decoded<TraceStatus>(json); }
std::optional<ServerStats> stats_from_json(const Json& json) { return decoded<ServerStats>(json); }
std::optional<std::vector<FilterStats>> filters_from_json(const Json& json) {
    return decoded<std::vector<FilterStats>>(json);
}

}  // namespace pythonfilter
