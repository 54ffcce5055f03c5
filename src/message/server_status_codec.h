// server_status.h as JSON and back: the results of status, trace, stats and filters on the control socket. Fields are
// named as in the structs. A field that is missing keeps its default, one that is not known is passed over, so that
// program and server of neighbouring versions understand each other.
#pragma once

#include "message/json.h"
#include "message/server_status.h"

#include <optional>

namespace pythonfilter {

Json to_json(const ServerStatus& status);
Json to_json(const TraceStatus& trace);
Json to_json(const ServerStats& stats);
Json to_json(const std::vector<FilterStats>& filters);

/// nullopt when a field has another type.
std::optional<ServerStatus> status_from_json(const Json& json);
std::optional<TraceStatus> trace_from_json(const Json& json);
std::optional<ServerStats> stats_from_json(const Json& json);
std::optional<std::vector<FilterStats>> filters_from_json(const Json& json);

}  // namespace pythonfilter
