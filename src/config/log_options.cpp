// The rows about the log, a part of option_table.h.
#include "config/option_table.h"

namespace pythonfilter {
namespace {

constexpr std::string_view kLogFormats[] = {"plain", "logfmt", "json"};

constexpr Option kLogLimitOptions[] = {
    {.key = "lines", .slot = slot<&LogLimitConfig::lines>,
     .text = "So many in each interval. 0: no limit.", .min = 0, .max = 1'000'000},
    {.key = "interval", .slot = slot<&LogLimitConfig::interval>,
     .text = "At its end the log says how many lines were dropped.",
     .min = Duration(1s).count(), .max = Duration(1h).count()},
};
constexpr Section kLogLimit{kLogLimitOptions};

constexpr Option kLogOptions[] = {
    {.key = "format", .slot = slot<&LogConfig::format>,
     .text = "`plain`: a line for people; in systemd's journal it has fields such as PYTHONFILTER_FILTER. `logfmt`: "
             "key=value. `json`: one object a line.",
     .words = kLogFormats},
    {.key = "limit", .slot = slot<&LogConfig::limit>,
     .text = "For what the filters of a pool print, and for the failures of one filter.", .section = &kLogLimit},
};

}  // namespace

constinit const Section kLogSection{kLogOptions};

}  // namespace pythonfilter
