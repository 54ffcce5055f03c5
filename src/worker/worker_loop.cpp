#include "worker/worker_loop.h"

#include "base/clock.h"
#include "worker/changing_calls.h"
#include "worker/forked_child.h"
#include "worker/frame_limits.h"
#include "worker/interpreter.h"
#include "worker/task_runner.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <stdio_ext.h>
#include <sys/ioctl.h>
#include <utility>

namespace pythonfilter {
namespace {

constexpr int kFirstLookMs = 10;  // at children that a message left running; doubles
constexpr int kLastLookMs = 1000;
constexpr Duration kQuick = 100us;
constexpr int kQuickInARow = 4;  // messages, behind which the next ones are done before the master is told

// The scoreboard names the filter: should it hang or end the process, the log can say who did.
void init_filters(std::vector<LoadedFilter>& filters, ScoreboardWriter& scoreboard, bool import_here, Ready& ready) {
    for (auto& filter : filters) {
        if (!filter.available()) continue;  // the zygote has reported it
        scoreboard.begin_filter(filter.spec.index, Clock::now());
        if (import_here) import_filter(filter);
        if (filter.available()) init_filter(filter);
        if (!filter.available()) ready.failures.push_back({filter.spec.index, filter.failure});
    }
    scoreboard.end_filters();
}

// A sandbox that is required and failed: no filter runs.
void refuse_filters(std::vector<LoadedFilter>& filters, const std::string& reason, Ready& ready) {
    for (auto& filter : filters) {
        if (reason.empty() || !filter.available()) continue;
        filter.failure = reason;
        ready.failures.push_back({filter.spec.index, reason});
    }
}

Ready get_ready(std::vector<LoadedFilter>& filters, ScoreboardWriter& scoreboard, Sandbox& sandbox, bool import_here) {
    Ready ready;
    const char* variable = std::getenv("TMPDIR");
    const std::string temporary_directory = variable ? variable : "/tmp";  // before init_filter can change it
    sandbox.guard();
    refuse_filters(filters, sandbox.refusal(), ready);
    init_filters(filters, scoreboard, import_here, ready);
    sandbox.confine(temporary_directory);
    refuse_filters(filters, sandbox.refusal(), ready);
    ready.sandbox_lacks = sandbox.lacks();
    return ready;
}

template <class Frame>
bool send(MasterLink& master, Frame frame, MasterLink::Wake when = MasterLink::Wake::now) {
    fit_into_frame(frame);
    return master.write(encode(frame), when);
}

// Waits for the next frame; meanwhile buries children that a message left behind.
MasterLink::Read wait_for_frame(MasterLink& master, FrameStream::Frame& frame, LeftoverChildren& children) {
    int look = kFirstLookMs;
    for (;;) {
        const int timeout = children.reap() ? look : -1;
        const auto read = master.read(frame, timeout);
        if (read != MasterLink::Read::timeout) return read;
        look = std::min(look * 2, kLastLookMs);
    }
}

bool has_free_descriptor() { return static_cast<bool>(UniqueFd(fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0))); }

// Whether the master has read, or has still to read, what the filters of this message printed. `reads`: those before
// the message. In this order: what is read before the first look was announced before it.
bool has_printed(const ScoreboardWriter& scoreboard, std::uint32_t reads) {
    int unread = 0;
    if (ioctl(STDERR_FILENO, FIONREAD, &unread) != 0 || unread > 0) return true;
    return scoreboard.output_reads() != reads;
}

// What the worker serves its messages with.
struct Service {
    MasterLink& master;
    TaskRunner& runner;
    ScoreboardWriter& scoreboard;
    TidyUp& tidy_up;
    TimePoint idle = Clock::now();  // since then
    std::uint32_t pauses = 0;       // how often it did not go on with what it had been sent
    int quick = 0;                  // messages in a row that took no longer than kQuick
};

// False when the worker must end.
bool serve(const FrameStream::Frame& frame, Service& service) {
    const auto task = frame.type == FrameType::task ? decode_task(frame.payload) : std::nullopt;
    if (!task) {
        std::fprintf(stderr, "worker: the master sent a frame that is no task\n");
        return false;
    }
    if (task->round != service.pauses || !service.scoreboard.take(*task)) return true;  // the master's again
    const TimePoint began = Clock::now();
    service.tidy_up.message_began(began - service.idle);
    const std::uint32_t reads = service.scoreboard.output_reads();
    Outcome outcome = service.runner.run(*task);
    const bool was_brief = service.tidy_up.was_brief();
    take_descriptor_calls();
    const bool is_held = __fpending(stdout) > 0;
    flush_output();  // its lines come before its verdict
    if (outcome.kind == OutcomeKind::gone && !has_free_descriptor())
        outcome.retire = "no free descriptors, a filter leaks them";
    const bool may_have_printed = !was_brief || is_held || take_descriptor_calls();
    outcome.pauses = !outcome.retire.empty() || (may_have_printed && has_printed(service.scoreboard, reads));
    if (outcome.pauses) ++service.pauses;
    service.idle = Clock::now();  // what follows may take long, on a busy machine, and is no work
    service.quick = service.idle - began <= kQuick ? service.quick + 1 : 0;
    const auto when = service.quick >= kQuickInARow ? MasterLink::Wake::behind_all : MasterLink::Wake::now;
    leave_if_forked();
    if (!was_brief) leave_if_another();
    // A filter closed the pipe: the scoreboard goes on naming the task, so that nobody takes it for one not begun.
    if (!was_brief && !service.master.verdict_is_ours()) return false;
    if (!send(service.master, std::move(outcome), when)) return false;
    service.scoreboard.end_task();
    return true;
}

}  // namespace

int run_worker_loop(MasterLink& master, std::vector<LoadedFilter>& filters, ScoreboardWriter& scoreboard,
                    TidyUp& tidy_up, Sandbox& sandbox, bool import_here) {
    Ready ready = get_ready(filters, scoreboard, sandbox, import_here);
    tidy_up.set_baseline();
    flush_output();
    leave_if_another();
    if (!send(master, std::move(ready))) return 0;

    TaskRunner runner(filters, scoreboard, tidy_up,
                      [&master](Progress progress) {
                          leave_if_another();
                          send(master, std::move(progress));
                      });
    Service service{master, runner, scoreboard, tidy_up};
    FrameStream::Frame frame;
    MasterLink::Read read;
    do {
        read = wait_for_frame(master, frame, tidy_up.children());
    } while (read == MasterLink::Read::frame && serve(frame, service));
    leave_if_forked();
    run_exit_functions();
    flush_output();
    return read == MasterLink::Read::closed ? 0 : 1;
}

}  // namespace pythonfilter
