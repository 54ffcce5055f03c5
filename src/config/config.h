// src/config: what the administrator wrote, as plain structs with defaults (this file), and how it gets there.
// Used by the master, the guardian and the programs; the worker gets what it needs by packet. Uses base only.
//
//   policy.h          failure events and what is done about them
//   config.h          the structs; a default-constructed one holds the defaults
//   option_table.h    ONE table of all keys: member, bounds, paragraph; everything else about keys comes from it
//   option_text.h     values as text, both ways, and what a key takes in words
//   option_walk.h     all rows with their paths and defaults
//   restart_keys.h    which changed keys a reload cannot put in force
//   sample_file.h     the table as conf/pythonfilter.yaml
//   manual_page.h     the table as the section OPTIONS of pythonfilter.yaml(5)
//   find_config.h     which file is read, and load_config(): the one entry for all callers
//   courier_dirs.h    courier-config: Courier's directories and mail user
//   yaml_tree.h       the text of a YAML file -> a tree with the place of everything
//   settings.h        values for filters and library modules; secrets.h: which of them are shown to nobody
//   settings_reader.h a mapping of the tree -> settings
//   plain_scalar.h    what a word without quotes is: null, a truth value, a number or a text
//   pool_settings.h   which sections the filters of one pool see
//   listen_address.h  where the status page listens
//   pool_size.h       the bounds of a pool's number of workers
//   yaml_loader.h     pythonfilter.yaml -> Config, errors with file:line:column
//   config_reader.h   what it does that with: the tree and the table, walked side by side
//   legacy_loader.h   pythonfilter.conf -> Config
//   complete_config.h what both loaders end with: checks of keys against each other, effective values
//   load_report.h     errors and warnings with their places
//   nearest.h         "did you mean ...?"
#pragma once

#include "base/clock.h"
#include "base/log_format.h"
#include "config/policy.h"
#include "config/settings.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace pythonfilter {

/// Where Courier lives. From courier-config; keys under `courier:` win.
struct CourierDirs {
    std::string sysconfdir = "/etc/courier";
    std::string localstatedir = "/var/lib/courier";
    std::string mailuser = "courier";
    std::string mailgroup = "courier";
};

enum class SocketDirectory { all, selective };            // allfilters/, filters/
enum class OnStop { defer, pass };
enum class Supervisor { automatic, courierfilter, systemd, none };
enum class Preload { automatic, no };                     // import in the zygote unless it is tainted; in each worker

enum class SandboxPreset { off, standard, strict };
enum class NetworkAccess { allow, unix_only, none };
enum class ExecAccess { allow, deny };

/// Parts of a failure policy that were written; what is not written comes from the next outer level.
struct FailureKeys {
    std::optional<FailureAction> on_error, on_timeout, on_crash, on_bad_reply, on_unavailable;
};

struct BreakerConfig {
    int failures = 10;        // timeouts and crashes in a row that open it; 0: never
    Duration window = 10min;
    Duration pause = 30s;     // from opening to the first probe
};

struct QueueConfig {
    int limit = 1000;  // messages waiting for a worker, over all pools
};

enum class PoisonAction { defer, reject };

struct PoisonConfig {
    int kills = 3;            // workers lost with a message before it is not run again; 0: it always is
    Duration remember = 4h;   // from the last one
    PoisonAction action = PoisonAction::defer;
};

/// The sockets that pythonfilterctl asks.
struct ControlConfig {
    std::string directory;               // empty: Courier's localstatedir
    std::vector<std::string> users;      // who may do everything, beside root and the mail user
    std::vector<std::string> monitors;   // who may only look
};

/// A page for browsers and monitoring systems, read-only.
struct StatusPageConfig {
    std::string listen;     // config/listen_address.h; empty: there is none
    bool anywhere = false;  // other hosts may ask it
};

enum class CanaryVerdict { accept, defer, reject };

/// A message that a reload must answer as expected before it is put in force.
struct CanaryConfig {
    std::string message;               // its file; empty: no canary
    CanaryVerdict expect = CanaryVerdict::accept;
};

struct ServerConfig {
    SocketDirectory socket = SocketDirectory::all;
    Duration message_timeout = 4min;
    Duration request_timeout = 10s;  // from connect to the end of the request
    QueueConfig queue;
    PoisonConfig poison;
    ControlConfig control;
    StatusPageConfig status_page;
    CanaryConfig canary;
    OnStop on_stop = OnStop::defer;
    Supervisor supervisor = Supervisor::automatic;
    bool accounting = true;          // the CPU TIME ACCOUNTING line
};

/// How many lines each source may write into the log.
struct LogLimitConfig {
    int lines = 10000;  // in each interval; 0: as many as it likes
    Duration interval = 10s;
};

struct LogConfig {
    LogFormat format = LogFormat::plain;
    LogLimitConfig limit;
};

/// A number of bytes.
struct ByteSize {
    std::int64_t bytes = 0;
    bool operator==(const ByteSize&) const = default;
};

/// When a worker is replaced by a fresh one; what is not set never does it.
struct RecycleConfig {
    std::optional<int> messages = {};
    std::optional<Duration> age = {};
    std::optional<ByteSize> rss = {};
    std::optional<int> open_files = {};
};

/// What one worker may use; what is not set stays as the server found it.
struct LimitsConfig {
    std::optional<ByteSize> memory, file_size;
    std::optional<int> files;
    // Watched by the master while a message runs (src/master/watch_policy.h), the others by the kernel.
    std::optional<Duration> cpu;
    int children = 128;
    int threads = 512;
    bool operator==(const LimitsConfig&) const = default;
};

/// What the filters of a pool are kept from; what is not written comes from the preset (resolve_sandbox()).
struct SandboxConfig {
    SandboxPreset preset = SandboxPreset::standard;
    std::optional<NetworkAccess> network;
    std::optional<std::vector<std::string>> read, write;
    std::optional<ExecAccess> exec;
    bool required = false;
};

/// How many workers a pool has (pool_size.h). A number alone in the file is both bounds.
struct WorkersConfig {
    std::optional<int> min, max;
    Duration idle = 1min;  // a worker above min that no message needed for so long ends
};

struct PoolConfig {
    WorkersConfig workers;
    RecycleConfig recycle;
    LimitsConfig limits;
    int nice = 0;
    Duration start_timeout = 30s;
    Duration timeout = 60s;
    Duration slow_after = 10s;  // 0: never
    Preload preload = Preload::automatic;
    BreakerConfig breaker;     // one for each filter of the pool
    SandboxConfig sandbox;
    bool exclusive = false;    // one worker, and none of two generations at once
    std::map<std::string, std::string> env;  // over what the server hands on
    FailureKeys failure;
};

/// The pool of a filter.
struct PoolChoice {
    std::string name = "default";
    /// At most one, without a name: written in place. load_config() names it and puts it among the others. A map, so
    /// that its address stays, by which its places are known.
    std::map<std::string, PoolConfig> in_place;
};

struct FilterConfig {
    std::string filter;                        // module name
    std::optional<std::vector<std::string>> bypass;  // `for`; an empty list is the same as none
    PoolChoice pool;
    std::optional<Duration> timeout;           // else the pool's
    FailureKeys failure;
    Settings settings;                         // of its section, for this entry of the chain

    // filled in by load_config(), never written by anybody else:
    Duration effective_timeout = 60s;
    FailurePolicy policy;                      // filter, pool, top level, default: nearest wins
    std::string origin;                        // "file:line", for log lines
};

struct Config {
    std::string file;          // where it was read, for messages
    bool legacy = false;       // from pythonfilter.conf
    std::string instance;      // basename of argv[0]: name of socket and of the configuration file
    CourierDirs courier;
    ServerConfig server;
    LogConfig log;
    std::vector<std::string> filter_path;
    FailureKeys failure;
    SettingsSections modules;                  // sections for the modules of all pools
    std::map<std::string, PoolConfig> pools;   // always holds "default"; those written in place too
    std::vector<FilterConfig> filters;         // the chain, in order
    std::vector<std::string> warnings;         // things that load but are probably not meant, one sentence each

    /// <localstatedir>/allfilters or /filters
    std::string socket_directory() const;
    std::string other_socket_directory() const;
    /// <directory>/<instance>.control, for pythonfilterctl, and .monitor, which changes nothing.
    std::string control_socket() const;
    std::string monitor_socket() const;
};

}  // namespace pythonfilter
