#include "worker/zygote.h"

#include "base/packet.h"
#include "base/process.h"
#include "build_id.h"
#include "message/zygote_protocol.h"
#include "worker/child_reaper.h"
#include "worker/filter_loader.h"
#include "worker/frame_limits.h"
#include "worker/high_fd.h"
#include "worker/interpreter.h"
#include "worker/process_snapshot.h"
#include "worker/report_queue.h"
#include "worker/sandbox.h"
#include "worker/temporary_place.h"
#include "worker/worker_limits.h"
#include "worker/worker_start.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace pythonfilter {
namespace {

constexpr int kLastWordsMs = 1000;                   // to get a report out before the end
constexpr int kKillMs = 2000;                        // to see killed workers end
constexpr std::size_t kMaxReportTexts = 64 * 1024;   // well below kMaxPacket

using Kind = ZygoteReport::Kind;

ZygoteReport report_of(Kind kind, std::string text = {}) {
    ZygoteReport report;
    report.kind = kind;
    report.text = std::move(text);
    return report;
}

class Zygote {
public:
    Zygote(UniqueFd control, pid_t master)
        : control_(std::move(control)), master_(master), reports_(control_.get()) {}
    int run();

private:
    bool receive_spec();
    bool import_filters();
    int serve();
    bool handle_packets();
    void fork_worker(const ForkRequest& request, WorkerFds fds);
    void adopt_worker(const ForkRequest& request, pid_t pid, Duration took);
    [[noreturn]] void become_worker(std::uint32_t slot, pid_t zygote, WorkerFds fds);
    void report_exits();

    UniqueFd control_;
    pid_t master_;
    ReportQueue reports_;
    ChildReaper children_;
    ZygoteSpec spec_;
    std::vector<LoadedFilter> filters_;
    TemporaryPlace temporary_place_;
    Sandbox sandbox_;
    std::optional<PackageGuard> guard_;  // from when the filters are imported
};

int Zygote::run() {
    // Stage 1: who are we talking to? From here on the master knows our build.
    if (!receive_spec()) return 1;
    reports_.send(report_of(Kind::hello, PYTHONFILTER_BUILD_ID));
    // Stage 2: the interpreter.
    if (const Status started = start_interpreter(spec_); !started) {
        std::fprintf(stderr, "zygote of pool %s: %s\n", spec_.pool.c_str(), started.error().text.c_str());
        return 1;
    }
    // Stage 3: the filters, if they may be imported here.
    sandbox_ = Sandbox::prepare(spec_, master_);
    for (auto& filter : spec_.filters)
        filters_.emplace_back(filter).failure = filter.given_up.empty() ? sandbox_.refusal() : filter.given_up;
    if (!import_filters()) return 0;
    // Stage 4: workers. From here on nothing is imported in this process.
    guard_.emplace();
    children_.set_baseline();
    temporary_place_.create();
    return serve();
}

bool Zygote::receive_spec() {
    pollfd entry{control_.get(), POLLIN, 0};
    while (poll(&entry, 1, -1) < 0 && errno == EINTR) {}
    Packet packet;
    if (receive_packet(control_.get(), packet) != Receive::packet) return false;
    auto spec = decode_spec(packet.bytes);
    if (!spec) {
        std::fprintf(stderr, "zygote: the first packet is no specification\n");
        return false;
    }
    spec_ = std::move(*spec);
    return true;
}

void kill_new_children(const ProcessSnapshot& before, const ProcessSnapshot& after) {
    for (const pid_t child : after.children) {
        if (before.children.contains(child)) continue;
        kill(child, SIGKILL);
        waitpid(child, nullptr, 0);
    }
}

// False when an import left something that forked workers cannot share.
bool Zygote::import_filters() {
    ZygoteReport report = report_of(Kind::imported);
    const ProcessSnapshot before = take_snapshot();
    for (auto& filter : filters_) {
        if (spec_.preload && filter.available()) {
            reports_.send(report_of(Kind::importing, filter.spec.name));
            import_filter(filter);
        }
        if (!filter.available()) report.failures.push_back({filter.spec.index, filter.failure});
    }
    warm_up();
    flush_output();
    const ProcessSnapshot after = take_snapshot();
    if (const std::string additions = describe_additions(before, after); !additions.empty()) {
        reports_.send(report_of(Kind::tainted, additions));
        kill_new_children(before, after);
        reports_.flush_for(kLastWordsMs);
        return false;
    }
    fit_texts(report.failures, kMaxReportTexts);
    reports_.send(report);
    return true;
}

int Zygote::serve() {
    for (;;) {
        std::vector<pollfd> entries{
            {control_.get(), static_cast<short>(POLLIN | (reports_.waiting() ? POLLOUT : 0)), 0}};
        children_.add_to_poll(entries);
        const int ready = poll(entries.data(), entries.size(), children_.timeout_ms());
        if (ready < 0 && errno != EINTR) break;
        if (ready < 0) run_signal_handlers();
        report_exits();
        if (!reports_.flush()) break;
        if (ready > 0 && entries[0].revents != 0 && !handle_packets()) break;
    }
    children_.kill_all(kKillMs);
    temporary_place_.remove_all();
    return 0;
}

// False when the master has gone or speaks nonsense.
bool Zygote::handle_packets() {
    for (;;) {
        Packet packet;
        switch (receive_packet(control_.get(), packet)) {
            case Receive::nothing_yet: return true;
            case Receive::closed:
            case Receive::failed: return false;
            case Receive::packet: break;
        }
        if (const auto slow = decode_slow(packet.bytes)) {
            children_.stand_back(slow->slot, SlowOrder::kNice);
            continue;
        }
        const auto request = decode_fork(packet.bytes);
        if (!request || packet.fds.size() != kForkFds) {
            std::fprintf(stderr, "zygote of pool %s: a packet is no order\n", spec_.pool.c_str());
            return false;
        }
        const auto take = [&](ForkFd which) { return std::move(packet.fds[static_cast<std::size_t>(which)]); };
        fork_worker(*request,
                    {take(ForkFd::task), take(ForkFd::verdict), take(ForkFd::error), take(ForkFd::scoreboard),
                     take(ForkFd::gate)});
    }
}

void Zygote::fork_worker(const ForkRequest& request, WorkerFds fds) {
    flush_output();
    const pid_t zygote = getpid();
    PyOS_BeforeFork();
    const TimePoint began = Clock::now();
    const pid_t pid = fork();
    if (pid == 0) become_worker(request.slot, zygote, std::move(fds));
    const int error_number = errno;
    const Duration took = Clock::now() - began;
    PyOS_AfterFork_Parent();
    if (pid > 0) return adopt_worker(request, pid, took);
    ZygoteReport report = report_of(Kind::fork_failed, errno_error("fork", error_number).text);
    report.slot = request.slot;
    reports_.send(report);
}

void Zygote::adopt_worker(const ForkRequest& request, pid_t pid, Duration took) {
    setpgid(pid, pid);  // both sides do it: a kill of the group must not come too early
    ZygoteReport report = report_of(Kind::forked);
    report.slot = request.slot;
    report.pid = pid;
    report.took = took;
    auto pidfd = open_pidfd(pid);
    if (!pidfd) {
        kill(pid, SIGKILL);
        waitpid(pid, nullptr, 0);
        report.kind = Kind::fork_failed;
        report.text = pidfd.error().text;
        return reports_.send(report);
    }
    reports_.send(report, pidfd->get());
    children_.add_worker(request.slot, pid, std::move(*pidfd));
}

void Zygote::become_worker(std::uint32_t slot, pid_t zygote, WorkerFds fds) {
    become_worker_process(zygote);
    sandbox_.ask_before_forks(std::move(fds.gate));
    PyOS_AfterFork_Child();
    control_.reset();
    children_.forget();
    reports_.forget();
    std::string temporary_directory = temporary_place_.enter(slot);
    apply_limits(spec_.limits, spec_.nice);
    _exit(live_as_worker(std::move(fds), filters_, sandbox_, *guard_, !spec_.preload, spec_.slow_after,
                         std::move(temporary_directory)));
}

void Zygote::report_exits() {
    for (const auto& exited : children_.reap()) {
        temporary_place_.remove(exited.slot);
        ZygoteReport report = report_of(Kind::exited);
        report.slot = exited.slot;
        report.pid = exited.pid;
        report.status = exited.status;
        reports_.send(report);
    }
}

}  // namespace

int run_zygote(UniqueFd control, pid_t parent) {
    if (!set_parent_death_signal(SIGKILL, parent)) return 0;
    become_subreaper();
    prctl(PR_SET_DUMPABLE, 0);
    reset_signals();
    control = move_high(std::move(control));
    fcntl(control.get(), F_SETFL, O_NONBLOCK);
    return Zygote(std::move(control), parent).run();
}

}  // namespace pythonfilter
