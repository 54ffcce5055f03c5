// The packets between master and zygote (SOCK_SEQPACKET, one struct a packet), for both ends.
//
//   master -> zygote   spec (first packet), then fork and slow any number of times
//   zygote -> master   hello (answer to spec), imported or tainted, then forked, fork_failed and exited
//
// A `fork` packet carries the worker's descriptors in the order of ForkFd; `forked` carries the worker's pidfd. Through
// `gate`, a socket, the worker sends one packet with the listener of its seccomp filter, or none when it has none.
#pragma once

#include "base/byte_buffer.h"
#include "config/config.h"
#include "config/settings.h"
#include "message/frames.h"
#include "message/sandbox_rules.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pythonfilter {

/// One filter of a pool, as the zygote needs it.
struct FilterSpec {
    std::uint32_t index = 0;              // chain index
    std::string name;                     // as in the configuration: module name, may be dotted, may have a dash
    std::vector<std::uint32_t> bypasses;  // chain indexes of its `for` list
    bool has_bypass = false;              // a `for` list is there (it may name nobody in the chain)
    std::uint8_t skip_events = 0;         // bit n: FailureEvent n is skipped
    std::string given_up;                 // why it must not be imported: its import ended a zygote; '' = it may be
    bool skips(FailureEvent event) const { return (skip_events >> static_cast<unsigned>(event)) & 1; }
};

/// All that a zygote is told; its first packet.
struct ZygoteSpec {
    std::string pool;
    bool preload = true;                   // import in the zygote; false: in each worker
    std::string python_dir;                // .../lib/pythonfilter/python: packages courier and pythonfilter
    std::vector<std::string> filter_path;  // directories looked in before the stock filters
    SandboxRules sandbox;
    std::vector<FilterSpec> filters;
    std::string config_file;               // where the settings stand, for messages about them
    LimitsConfig limits;                   // of each worker
    int nice = 0;                          // of each worker
    Duration slow_after{};                 // a worker whose filter runs longer may get a SlowOrder; 0: never
    SettingsSections settings;             // of this pool; at most kMaxSettingsSize
};

struct ForkRequest {
    std::uint32_t slot = 0;    // the master's number for the worker, repeated in all reports
    std::uint32_t worker = 0;  // its number for people: "default/3"
};

/// The worker's filter takes long: it shall stand back for others from now on.
struct SlowOrder {
    static constexpr int kNice = 19;
    std::uint32_t slot = 0;
};
/// Order of the descriptors in a fork packet.
enum class ForkFd { task, verdict, error, scoreboard, gate };
inline constexpr std::size_t kForkFds = 5;

struct ZygoteReport {
    enum class Kind : std::uint8_t {
        hello,        // text: build id
        imported,     // failures: filters that could not be imported (they are unavailable in every worker)
        tainted,      // text: what an import opened or started; the zygote exits, preload is not possible
        forked,       // slot, pid, took; a pidfd comes along
        fork_failed,  // slot; text: why
        exited,       // slot, pid, status; the worker's group was killed and the worker reaped
        importing,    // text: the filter whose import begins, to be blamed should it be the last that is heard
    };
    Kind kind = Kind::hello;
    std::uint32_t slot = 0;
    std::int32_t pid = 0;
    std::int32_t status = 0;  // as from waitpid()
    Duration took{};          // fork() itself, in the zygote
    std::string text;
    std::vector<Ready::Failure> failures;
};

std::string encode(const ZygoteSpec& spec);
std::string encode(const ForkRequest& request);
std::string encode(const SlowOrder& order);
std::string encode(const ZygoteReport& report);

/// nullopt when the packet is not exactly such a struct.
std::optional<ZygoteSpec> decode_spec(std::string_view packet);
std::optional<ForkRequest> decode_fork(std::string_view packet);
std::optional<SlowOrder> decode_slow(std::string_view packet);
std::optional<ZygoteReport> decode_report(std::string_view packet);

}  // namespace pythonfilter
