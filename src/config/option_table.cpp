// The rows. Inner sections stand first, because the outer ones refer to them; the top level is at the end.
#include "config/option_table.h"

namespace pythonfilter {
namespace {

constexpr std::int64_t ns(Duration d) { return d.count(); }

constexpr std::int64_t kMiB = 1024 * 1024;

constexpr std::string_view kActions[] = {"skip", "defer", "reject"};
constexpr std::string_view kPoisonActions[] = {"defer", "reject"};
constexpr std::string_view kSockets[] = {"all", "selective"};
constexpr std::string_view kOnStop[] = {"defer", "pass"};
constexpr std::string_view kSupervisors[] = {"auto", "courierfilter", "systemd", "none"};
constexpr std::string_view kVerdicts[] = {"accept", "defer", "reject"};
constexpr std::string_view kPreload[] = {"auto", "no"};

constexpr std::string_view kSandboxPresets[] = {"off", "standard", "strict"};
constexpr std::string_view kNetworkAccess[] = {"allow", "unix", "none"};
constexpr std::string_view kExecAccess[] = {"allow", "deny"};

constexpr Option kFailureOptions[] = {
    {.key = "on_error", .slot = slot<&FailureKeys::on_error>,
     .text = "The filter raised an exception.",
     .words = kActions, .policy = &FailurePolicy::on_error},
    {.key = "on_timeout", .slot = slot<&FailureKeys::on_timeout>,
     .text = "The filter's time was over. Its worker has been killed.",
     .words = kActions, .policy = &FailurePolicy::on_timeout},
    {.key = "on_crash", .slot = slot<&FailureKeys::on_crash>,
     .text = "The worker died while the filter ran.",
     .words = kActions, .policy = &FailurePolicy::on_crash},
    {.key = "on_bad_reply", .slot = slot<&FailureKeys::on_bad_reply>,
     .text = "The filter returned something that is not an SMTP reply. A reply that begins with 4 or 5 is a refusal "
             "in any case: its text is repaired, never skipped.",
     .words = kActions, .policy = &FailurePolicy::on_bad_reply},
    {.key = "on_unavailable", .slot = slot<&FailureKeys::on_unavailable>,
     .text = "No worker could run the filter: its import or its `init_filter` failed, or its breaker is open.",
     .words = kActions, .policy = &FailurePolicy::on_unavailable},
};
constexpr Section kFailure{kFailureOptions};

constexpr Option kCourierOptions[] = {
    {.key = "sysconfdir", .slot = slot<&CourierDirs::sysconfdir>,
     .text = "Courier's configuration directory.", .restart = true},
    {.key = "localstatedir", .slot = slot<&CourierDirs::localstatedir>,
     .text = "The directory that holds Courier's queue and the `allfilters` and `filters` directories.",
     .restart = true},
    {.key = "mailuser", .slot = slot<&CourierDirs::mailuser>,
     .text = "The user that Courier runs as. A server that root starts becomes this user.",
     .rule = TextRule::account, .restart = true},
    {.key = "mailgroup", .slot = slot<&CourierDirs::mailgroup>,
     .text = "The group that Courier runs as.",
     .rule = TextRule::account, .restart = true},
};
constexpr Section kCourier{kCourierOptions};

constexpr Option kQueueOptions[] = {
    {.key = "limit", .slot = slot<&QueueConfig::limit>,
     .text = "The number of messages, over all pools, that may wait for a worker. One more is answered with a 4xx "
             "reply at once, so its client tries again later.",
     .min = 1, .max = 100000},
};
constexpr Section kQueue{kQueueOptions};

constexpr Option kPoisonOptions[] = {
    {.key = "kills", .slot = slot<&PoisonConfig::kills>,
     .text = "So many workers may be lost with a message, by crash or timeout, before it is not run again. 0: it "
             "always is.",
     .min = 0, .max = 1000},
    {.key = "remember", .slot = slot<&PoisonConfig::remember>,
     .text = "How long that is remembered, from the last loss on. A restart forgets it.",
     .min = ns(1s), .max = ns(240h)},
    {.key = "action", .slot = slot<&PoisonConfig::action>,
     .text = "The answer. `defer`: a 4xx reply, `reject`: a 5xx reply.",
     .words = kPoisonActions},
};
constexpr Section kPoison{kPoisonOptions};

constexpr Option kControlOptions[] = {
    {.key = "directory", .slot = slot<&ControlConfig::directory>,
     .text = "Where the two sockets are made: NAME.control takes every command, NAME.monitor those that only look. The "
             "mail user must be able to write there, and those below to enter it. Never one of the directories of "
             "Courier's filter sockets.",
     .restart = true, .example = "/run/courier", .unset = "Courier's localstatedir"},
    {.key = "users", .slot = slot<&ControlConfig::users>,
     .text = "Who may give commands, beside root and the mail user.",
     .max = 100, .rule = TextRule::account, .example = "[postmaster]"},
    {.key = "monitors", .slot = slot<&ControlConfig::monitors>,
     .text = "Who else may look, but change nothing.",
     .max = 100, .rule = TextRule::account, .example = "[zabbix]"},
};
constexpr Section kControl{kControlOptions};

constexpr Option kStatusPageOptions[] = {
    {.key = "listen", .slot = slot<&StatusPageConfig::listen>,
     .text = "Where it is found: a loopback address with a port, for a browser on this host, whoever runs it; or the "
             "path of a socket, for root, the mail user and those in `server.control`.",
     .rule = TextRule::listener, .example = "127.0.0.1:9780", .unset = "there is no page"},
    {.key = "anywhere", .slot = slot<&StatusPageConfig::anywhere>,
     .text = "`listen` may be an address that other hosts reach. They all see what passes through: there is no "
             "password and no encryption, so leave that to a proxy on this host if you can."},
};
constexpr Section kStatusPage{kStatusPageOptions, 1};

constexpr Option kCanaryOptions[] = {
    {.key = "message", .slot = slot<&CanaryConfig::message>,
     .text = "The file of the message, as it would come by mail, with LF at line ends. Its sender is empty, its "
             "recipient postmaster.",
     .example = "/etc/courier/canary.eml", .unset = "none"},
    {.key = "expect", .slot = slot<&CanaryConfig::expect>, .text = "The verdict of the chain.", .words = kVerdicts},
};
constexpr Section kCanary{kCanaryOptions};

constexpr Option kServerOptions[] = {
    {.key = "socket", .slot = slot<&ServerConfig::socket>,
     .text = "Which of Courier's directories the socket is made in. `all`: `allfilters`, for every message. "
             "`selective`: `filters`, for messages whose recipients ask for filtering.",
     .words = kSockets, .restart = true},
    {.key = "message_timeout", .slot = slot<&ServerConfig::message_timeout>,
     .text = "The time for one message, from connect to reply, waiting included. When it is over the client gets a "
             "4xx reply. SMTP clients give up after 10 minutes, Courier itself never does.",
     .min = ns(1s), .max = ns(9min)},
    {.key = "request_timeout", .slot = slot<&ServerConfig::request_timeout>,
     .text = "The time from connect until Courier has sent the names of the message's files.",
     .min = ns(100ms), .max = ns(2min)},
    {.key = "queue", .slot = slot<&ServerConfig::queue>,
     .text = "Messages that wait for a worker.", .section = &kQueue},
    {.key = "poison", .slot = slot<&ServerConfig::poison>,
     .text = "A message that workers were lost with, and that its client sends again: sender, Message-ID and body are "
             "the same. A loss that a failure policy skips does not count.",
     .section = &kPoison},
    {.key = "control", .slot = slot<&ServerConfig::control>,
     .text = "The sockets that pythonfilterctl asks. Filters are refused there, whoever they run as.",
     .section = &kControl},
    {.key = "status_page", .slot = slot<&ServerConfig::status_page>,
     .text = "A web page that shows what the server does, at the address /, and its metrics, at /metrics. Nothing can "
             "be changed there.",
     .section = &kStatusPage},
    {.key = "canary", .slot = slot<&ServerConfig::canary>,
     .text = "A message that a reload sends through the new chain: unless the verdict is as expected, the old one "
             "stays in force.",
     .section = &kCanary},
    {.key = "on_stop", .slot = slot<&ServerConfig::on_stop>,
     .text = "What happens to mail while the server is stopped. `defer`: the socket's path stays, Courier finds nobody "
             "behind it and answers 432. `pass`: the path is removed and mail passes unfiltered.",
     .words = kOnStop},
    {.key = "supervisor", .slot = slot<&ServerConfig::supervisor>,
     .text = "Who starts the server and ends it. `courierfilter`: descriptor 3 says ready, the end of standard input "
             "says stop. `systemd`: the unit pythonfilter.service; what courierfilter starts only waits until the "
             "service answers, so that its link and its socket stay. `none`: nobody. `auto`: found out at start, "
             "courierfilter or not.",
     .words = kSupervisors, .restart = true},
    {.key = "accounting", .slot = slot<&ServerConfig::accounting>,
     .text = "Log the time and CPU time that each filter took, one line a message. Where a filter's runs are quick, up "
             "to 50 us, the CPU time is mostly not measured, but taken to be all of the time."},
};
constexpr Section kServer{kServerOptions};

constexpr Option kBreakerOptions[] = {
    {.key = "failures", .slot = slot<&BreakerConfig::failures>,
     .text = "So many timeouts and crashes in a row switch the filter off. A message that it comes through begins the "
             "count anew. 0: never.",
     .min = 0, .max = 1000},
    {.key = "window", .slot = slot<&BreakerConfig::window>,
     .text = "They must all lie within this time.",
     .min = ns(1s), .max = ns(24h)},
    {.key = "pause", .slot = slot<&BreakerConfig::pause>,
     .text = "The time until one message tries the filter. If it fails again, the next pause is twice as long, up to "
             "10 minutes.",
     .min = ns(100ms), .max = ns(24h)},
};
constexpr Section kBreaker{kBreakerOptions};

constexpr Option kRecycleOptions[] = {
    {.key = "messages", .slot = slot<&RecycleConfig::messages>,
     .text = "After so many messages. Not set by default: a filter that leaks nothing needs no replacing, and one that "
             "keeps counters in memory would lose them.",
     .min = 1, .max = 1'000'000'000, .example = "1000", .unset = "never"},
    {.key = "age", .slot = slot<&RecycleConfig::age>,
     .text = "When it is so old, or up to a quarter earlier: those that were started together do not leave together. "
             "One without work is replaced, too.",
     .min = ns(1s), .max = ns(24h) * 365, .example = "1d", .unset = "never"},
    {.key = "rss", .slot = slot<&RecycleConfig::rss>,
     .text = "When it holds more memory than this. Looked at after every 20 messages of a worker. A size that a fresh "
             "worker exceeds already is not heeded, and the log says so.",
     .min = kMiB, .max = 1024 * 1024 * kMiB, .example = "200MiB", .unset = "never"},
    {.key = "open_files", .slot = slot<&RecycleConfig::open_files>,
     .text = "When it has more files open than this, its own (about ten) included. Looked at as `rss` is, and a number "
             "that a fresh worker exceeds is not heeded either.",
     .min = 1, .max = 65536, .example = "200", .unset = "never"},
};
constexpr Section kRecycle{kRecycleOptions};

constexpr Option kLimitsOptions[] = {
    {.key = "memory", .slot = slot<&LimitsConfig::memory>,
     .text = "Address space, shared libraries included. A filter that needs more gets a MemoryError.",
     .min = 64 * kMiB, .max = 1024 * 1024 * kMiB, .example = "512MiB", .unset = "not limited"},
    {.key = "files", .slot = slot<&LimitsConfig::files>,
     .text = "Open files, the worker's own (about ten) and those of the message included.",
     .min = 32, .max = 65536, .example = "128", .unset = "what the server was started with"},
    {.key = "file_size", .slot = slot<&LimitsConfig::file_size>,
     .text = "The size up to which a filter may write a file. More is an OSError in the filter.",
     .min = kMiB, .max = 1024 * 1024 * kMiB, .example = "100MiB", .unset = "not limited"},
    {.key = "cpu", .slot = slot<&LimitsConfig::cpu>,
     .text = "CPU time for one message, of all threads of the worker and of the processes that it started. Counted "
             "from the first look, some 50 ms after the message began. More is a timeout of the filter that runs.",
     .min = ns(100ms), .max = ns(1h), .example = "20s", .unset = "not limited"},
    {.key = "children", .slot = slot<&LimitsConfig::children>,
     .text = "Processes below the worker, daemons included, those of `init_filter` not. With more of them, worker and "
             "all are killed: a crash of the filter that runs. The default has room for a process on each core of a "
             "large machine; a fork bomb reaches it before it can starve the others. The kernel asks the server before "
             "each one, so there are never more than a quarter too many. With more than a sixteenth of the limit, "
             "and more than 8, they run at nice 19 and start no faster than one in 5 ms; where a fork takes "
             "0.6 ms or more, fewer do, and start slower. Without a sandbox, or where the kernel cannot ask (see "
             "pythonfilter-sandbox(7)), they are only looked at: ten times a second, so that some hundred more may "
             "live for a moment, and never for a message that takes less than 50 ms.",
     .min = 0, .max = 30000},
    {.key = "threads", .slot = slot<&LimitsConfig::threads>,
     .text = "Threads of the worker and of the processes below it, likewise. Threads are not slowed down.",
     .min = 8, .max = 30000},
};
constexpr Section kLimits{kLimitsOptions};

constexpr Option kSandboxOptions[] = {
    {.key = "preset", .slot = slot<&SandboxConfig::preset>,
     .text = "`standard`: filters may do all that a mail filter does, with any file, host or program, but not harm the "
             "server or the system: no signal to other processes, no tracing, no mounts, no kernel interfaces. "
             "`strict`: also no network, no other programs, files only as below. `off`: the rights of the user.",
     .words = kSandboxPresets},
    {.key = "network", .slot = slot<&SandboxConfig::network>,
     .text = "Which sockets filters may make after `init_filter`. `allow`: any. `unix`: to services on this host by a "
             "path. `none`: none. Connections that `init_filter` made stay.",
     .words = kNetworkAccess, .example = "unix", .unset = "none if strict, else allow"},
    {.key = "read", .slot = slot<&SandboxConfig::read>,
     .text = "The files and directories that may be read after `init_filter`, together with /usr, /etc, /proc, the "
             "directories of `filter_path` and what may be written.",
     .max = 100, .example = "[/srv/lists]", .unset = "nothing else if strict, else everything"},
    {.key = "write", .slot = slot<&SandboxConfig::write>,
     .text = "The files and directories that may be read and changed after `init_filter`, together with the messages "
             "in Courier's spool and the worker's own TMPDIR.",
     .max = 100, .example = "[/var/lib/pythonfilter]", .unset = "nothing else if strict, else everything"},
    {.key = "exec", .slot = slot<&SandboxConfig::exec>,
     .text = "Whether filters may start other programs after `init_filter`.",
     .words = kExecAccess, .example = "deny", .unset = "deny if strict, else allow"},
    {.key = "required", .slot = slot<&SandboxConfig::required>,
     .text = "`true`: where the kernel lacks a part of this, the pool's filters are not run and `on_unavailable` "
             "decides. `false`: the log says what is missing, and they run without."},
};
constexpr Section kSandbox{kSandboxOptions, 1};

constexpr Option kWorkersOptions[] = {
    {.key = "min", .slot = slot<&WorkersConfig::min>,
     .text = "So many there always are. The server is ready when they are.",
     .min = 1, .max = 1000, .example = "2", .unset = "2, or `max` if that is less"},
    {.key = "max", .slot = slot<&WorkersConfig::max>,
     .text = "One more is started, up to so many, when messages wait for a worker for longer than 100ms.",
     .min = 1, .max = 1000, .example = "8", .unset = "8, or `min` if that is more"},
    {.key = "idle", .slot = slot<&WorkersConfig::idle>,
     .text = "One that no message needed for this long ends, down to `min`.",
     .min = ns(1s), .max = ns(24h)},
};
constexpr Section kWorkers{kWorkersOptions, 2};

constexpr Option kPoolOptions[] = {
    {.key = "workers", .slot = slot<&PoolConfig::workers>,
     .text = "The worker processes. Each serves one message at a time. A number alone is both `min` and `max`. The "
             "defaults are for filters that wait for others, for name servers or a virus scanner, as much as they "
             "compute: two workers for quiet times, and each costs some MiB of memory.",
     .section = &kWorkers},
    {.key = "exclusive", .slot = slot<&PoolConfig::exclusive>,
     .text = "`true`: one worker, and never two at once, for filters that may live only once because of a port, a "
             "file with a lock, or counters in memory. The old worker has ended before a new one starts; messages wait "
             "meanwhile, within their time. That is so at a reload, too: then all messages wait until the workers of "
             "the new configuration are ready, or the old ones are back."},
    {.key = "recycle", .slot = slot<&PoolConfig::recycle>,
     .text = "When a worker is replaced by a fresh one: one at a time, and the old one serves until the new one is "
             "ready, unless the pool is exclusive.",
     .section = &kRecycle},
    {.key = "limits", .slot = slot<&PoolConfig::limits>,
     .text = "What each worker of the pool may use.", .section = &kLimits},
    {.key = "nice", .slot = slot<&PoolConfig::nice>,
     .text = "How much the workers of the pool stand back for others when there is not enough CPU for all.",
     .min = 0, .max = 19},
    {.key = "start_timeout", .slot = slot<&PoolConfig::start_timeout>,
     .text = "The time for importing the pool's filters and for their `init_filter`.",
     .min = ns(1s), .max = ns(10min)},
    {.key = "timeout", .slot = slot<&PoolConfig::timeout>,
     .text = "The time that one filter may take for one message, unless the filter has a `timeout` of its own. A "
             "worker that takes longer is killed and replaced, and `on_timeout` decides about the message.",
     .min = ns(100ms), .max = ns(9min)},
    {.key = "slow_after", .slot = slot<&PoolConfig::slow_after>,
     .text = "When a filter takes longer than this for one message, the log tells where it is (a Python traceback), "
             "and the message goes on; its worker stands back for others (nice 19) and is replaced after the message. "
             "0s: never.",
     .min = 0, .max = ns(9min)},
    {.key = "preload", .slot = slot<&PoolConfig::preload>,
     .text = "`auto`: the pool's filters are imported once and the workers forked from there, unless an import opens "
             "descriptors or starts threads or processes. `no`: every worker imports for itself.",
     .words = kPreload},
    {.key = "breaker", .slot = slot<&PoolConfig::breaker>,
     .text = "A filter of this pool that times out or crashes again and again is switched off for a while: "
             "`on_unavailable` decides about the messages at once, and no worker is lost. Each filter is counted for "
             "itself. Exceptions do not count.",
     .section = &kBreaker},
    {.key = "sandbox", .slot = slot<&PoolConfig::sandbox>,
     .text = "What filters of this pool are kept from, enforced by the kernel in each worker. A word alone is the "
             "preset. pythonfilter-sandbox(7) has the table.",
     .section = &kSandbox},
    {.key = "env", .slot = slot<&PoolConfig::env>,
     .text = "Variables of the environment, by name, for the filters of this pool: over those that the server was "
             "started with. A number is the text as it is written; `true`, `null` and the like need quotes. `TMPDIR`, "
             "`USER`, `LOGNAME`, `sysconfdir` and the locale are the server's to set.",
     .max = 100, .rule = TextRule::variable, .example = "{http_proxy: \"http://proxy.example.com:3128\"}",
     .unset = "none"},
    {.key = "failure", .slot = slot<&PoolConfig::failure>,
     .text = "The keys of the top-level `failure`, for the filters of this pool.",
     .section = &kFailure, .example = "{on_crash: skip}"},
};
constexpr Section kPool{kPoolOptions};

constexpr Option kFilterOptions[] = {
    {.key = "filter", .slot = slot<&FilterConfig::filter>,
     .text = "The filter's module name. It is looked for in the directories of `filter_path`, then among the stock "
             "filters.",
     .rule = TextRule::module, .required = true, .example = "NAME"},
    {.key = "for", .slot = slot<&FilterConfig::bypass>,
     .text = "When this filter's reply begins with 2, these later filters are bypassed for the message and the chain "
             "goes on. Without this key such a reply ends the chain: the message is accepted.",
     .max = 500, .rule = TextRule::module, .example = "[NAME, NAME]", .unset = "none"},
    {.key = "pool", .slot = slot<&FilterConfig::pool>,
     .text = "The pool whose workers run the filter, by name; or a mapping with the keys of a pool: a pool of the "
             "filter's own, which is called like the filter (or NAME-2 and so on, where there is one of that name). "
             "Neighbours of the same pool are run by one worker in one go. A filter may stand several times in the "
             "chain, but only once for each pool.",
     .rule = TextRule::pool, .section = &kPool},
    {.key = "timeout", .slot = slot<&FilterConfig::timeout>,
     .text = "The time that this filter may take for one message.",
     .min = ns(100ms), .max = ns(9min), .example = "20s", .unset = "the pool's"},
    {.key = "failure", .slot = slot<&FilterConfig::failure>,
     .text = "The keys of the top-level `failure`, for this filter.",
     .section = &kFailure, .example = "{on_timeout: skip}"},
    {.key = "settings", .slot = slot<&FilterConfig::settings>,
     .text = "The filter's own settings by name: what stands in its section of the modules file, such as "
             "`[ratelimit.py]`, and wins over it key by key. Values are typed as they are written and never evaluated; "
             "a text in quotes is always a text.",
     .example = "{limit: 60, networks: [192.0.2.0/24]}", .unset = "none"},
};
constexpr Section kFilter{kFilterOptions};

constexpr Option kRootOptions[] = {
    {.key = "courier", .slot = slot<&Config::courier>,
     .text = "Where Courier lives. All this is taken from the `courier-config` found through PATH; a key is needed "
             "only where that is wrong.",
     .section = &kCourier},
    {.key = "server", .slot = slot<&Config::server>,
     .text = "The server as a whole.", .section = &kServer},
    {.key = "log", .slot = slot<&Config::log>,
     .text = "The lines that the server writes to its standard error.", .section = &kLogSection},
    {.key = "filter_path", .slot = slot<&Config::filter_path>,
     .text = "Directories with filters of the site, looked in before the stock filters, in this order.",
     .max = 100, .example = "[/etc/courier/pythonfilter.d]"},
    {.key = "failure", .slot = slot<&Config::failure>,
     .text = "What happens to a message when a filter fails. `skip`: as if the filter had said nothing. `defer`: a 4xx "
             "reply, the client tries again later. `reject`: a 5xx reply. The same keys can be written in a pool and "
             "in a filter: the nearest wins.",
     .section = &kFailure},
    {.key = "modules", .slot = slot<&Config::modules>,
     .text = "Settings of library modules, by section as in the modules file: `ttldb` and `quarantine` as they are, "
             "modules that ask for their file's name with it, such as `authdaemon.py`. They are for all pools, win "
             "over the modules file key by key, and a filter's own `settings` win over them.",
     .max = 500, .rule = TextRule::section, .example = "{ttldb: {type: sqlite, dir: /var/lib/pythonfilter}}",
     .unset = "none"},
    {.key = "pools", .slot = slot<&Config::pools>,
     .text = "Groups of worker processes, by name. The pool `default` always exists, and has the filters that name no "
             "other.",
     .max = 100, .rule = TextRule::pool, .section = &kPool, .example = "default"},
    {.key = "filters", .slot = slot<&Config::filters>,
     .text = "The chain: the filters that each message goes through, in this order, as names or as mappings with the "
             "keys below. A server with an empty chain accepts everything.",
     .max = 500, .section = &kFilter},
};
constexpr Section kRoot{kRootOptions};

}  // namespace

const Section& root_section() { return kRoot; }
const Section& courier_section() { return kCourier; }
const Section& failure_section() { return kFailure; }

}  // namespace pythonfilter
