// LogLimit: how many lines one source may write into the log in a while, so that one filter does not fill the disk or
// hide what others say. A source is what a pool's filters print, or what is said of one filter's failures; lines of
// messages and of the server itself are never held back. Pure: the time is an argument.
#pragma once

#include "base/clock.h"
#include "base/log_format.h"
#include "config/config.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace pythonfilter {

class LogLimit {
public:
    struct Source {
        std::string_view kind;  // "pool" or "filter"; empty: of no source that is limited
        std::string name;
        auto operator<=>(const Source&) const = default;
    };
    struct Dropped {
        Source source;
        std::uint64_t lines = 0;
        LogFields fields;
    };

    static Source source_of(LogLevel level, const LogFields& fields);

    void configure(const LogLimitConfig& config) { config_ = config; }
    Duration interval() const { return config_.interval; }
    /// Whether a line of this source may go to the log now; otherwise it is counted.
    bool admit(const Source& source, TimePoint now);
    /// What was counted since the last call, and begins anew.
    std::vector<Dropped> take_dropped();
    /// The log line for it.
    std::string describe(const Dropped& dropped) const;

private:
    struct Window {
        TimePoint end;
        int lines = 0;             // admitted; <= config_.lines unless that was lowered meanwhile
        std::uint64_t dropped = 0;
    };
    LogLimitConfig config_;
    std::map<Source, Window> windows_;  // as many as pools and filters, of all configurations so far
};

}  // namespace pythonfilter
