#include "master/zygote_keeper.h"

#include <algorithm>
#include <utility>

namespace pythonfilter {
namespace {

constexpr Duration kEndLimit = 5s;  // of a zygote without workers
constexpr Duration kLook = 10ms;    // between two questions whether the next one may start

}  // namespace

ZygoteKeeper::ZygoteKeeper(Loop& loop, Options options, Reporter report, Callbacks callbacks)
    : loop_(loop),
      options_(std::move(options)),
      report_(std::move(report)),
      callbacks_(std::move(callbacks)),
      to_start_(loop, [this] { start_next(); }),
      to_import_(loop, [this] {
          import_hung_ = true;
          kill("imports took longer than start_timeout");
      }),
      to_fork_(loop, [this] { kill("a fork took longer than start_timeout"); }),
      to_end_(loop, [this] { kill("it did not end by itself"); }) {}

void ZygoteKeeper::start() {
    ZygoteClient::Callbacks callbacks;
    callbacks.on_report = [this](ZygoteReport report, UniqueFd pidfd) {
        on_report(std::move(report), std::move(pidfd));
    };
    callbacks.on_dead = [this](std::string reason) { died(reason); };
    callbacks.on_line = [this](std::string_view line) {
        report_(LogLevel::output, "[" + options_.spec.pool + "] " + escape(line), {{"pool", options_.spec.pool}});
    };
    respawn_.started(Clock::now());
    auto zygote = ZygoteClient::start(loop_, options_.program, options_.spec, std::move(callbacks));
    if (!zygote) {
        report_(LogLevel::error, "pool " + options_.spec.pool + ": " + zygote.error().text);
        const Duration delay = respawn_.died(Clock::now());
        to_start_.start(delay);
        callbacks_.on_dead(zygote.error().text, delay);
        return;
    }
    zygote_ = std::move(*zygote);
    to_import_.start(options_.start_timeout);
}

void ZygoteKeeper::on_report(ZygoteReport report, UniqueFd pidfd) {
    switch (report.kind) {
        case ZygoteReport::Kind::hello: return;
        case ZygoteReport::Kind::importing: importing_ = report.text; return;
        case ZygoteReport::Kind::imported: imported(report.failures); return;
        case ZygoteReport::Kind::tainted: tainted(report.text); return;
        case ZygoteReport::Kind::forked:
            fork_answered();
            callbacks_.on_forked(report.slot, report.pid, std::move(pidfd), report.took);
            return;
        case ZygoteReport::Kind::fork_failed:
            fork_answered();
            callbacks_.on_fork_failed(report.slot, std::move(report.text));
            return;
        case ZygoteReport::Kind::exited: callbacks_.on_exited(report.slot, report.status); return;
    }
}

void ZygoteKeeper::imported(const std::vector<Ready::Failure>& failures) {
    to_import_.stop();
    importing_.clear();
    suspect_.clear();
    imported_ = true;
    respawn_.became_ready(Clock::now());
    callbacks_.on_ready(failures);
}

Status ZygoteKeeper::fork(const ForkRequest& request, const std::vector<int>& fds) {
    const Status sent = zygote_->fork(request, fds);
    if (sent && forks_asked_++ == 0) to_fork_.start(options_.start_timeout);
    return sent;
}

void ZygoteKeeper::slow(const SlowOrder& order) {
    if (zygote_) zygote_->slow(order);
}

// A filter may have hooked os.fork(): the zygote's forks have a deadline like its imports.
void ZygoteKeeper::fork_answered() {
    if (forks_asked_ > 0) --forks_asked_;
    if (forks_asked_ > 0) to_fork_.start(options_.start_timeout);
    else to_fork_.stop();
}

// The old contract allows a filter to open things at import; then nothing may be shared by forks.
void ZygoteKeeper::tainted(const std::string& what) {
    report_(LogLevel::warning,
            "pool " + options_.spec.pool + ": a filter " + escape(what) +
                " while it was imported, so each worker imports for itself from now on (preload: no)");
    options_.spec.preload = false;
    restarting_ = true;
    kill("preload is not possible");
}

void ZygoteKeeper::died(const std::string& reason) {
    to_import_.stop();
    to_fork_.stop();
    to_end_.stop();
    imported_ = false;
    forks_asked_ = 0;
    const auto zygote = std::move(zygote_);  // it is still on the stack
    const std::string importing = std::exchange(importing_, {});
    std::string problem;
    Duration delay{};
    if (const bool planned = std::exchange(restarting_, false); !planned && !stopping_) {
        const std::string where = importing.empty() ? "" : ", in the import of " + escape(importing);
        report_(LogLevel::error, "pool " + options_.spec.pool + ": zygote ended" + where + ": " + escape(reason));
        problem = "zygote of pool " + options_.spec.pool + " ended" + where + ": " + escape(reason);
        if (!give_up(importing, reason)) delay = respawn_.died(Clock::now());
    }
    if (!stopping_) to_start_.start(delay);
    callbacks_.on_dead(problem, delay);
}

void ZygoteKeeper::start_next() {
    if (callbacks_.may_start && !callbacks_.may_start()) to_start_.start(kLook);
    else start();
}

// Who dies once may have been killed by somebody else; to wait for start_timeout a second time helps nobody. False when
// no filter was given up: each is once, so this makes no storm of zygotes.
bool ZygoteKeeper::give_up(const std::string& filter, const std::string& reason) {
    const bool again = std::exchange(suspect_, filter) == filter;
    bool found = false;
    if (!std::exchange(import_hung_, false) && !again) return found;
    for (FilterSpec& spec : options_.spec.filters) {
        if (spec.name != filter || !spec.given_up.empty()) continue;
        spec.given_up = "its import ended the zygote: " + reason;
        found = true;
    }
    return found;
}

void ZygoteKeeper::stop() {
    stopping_ = true;
    to_start_.stop();
    to_import_.stop();
    if (!imported_) kill("is not needed any more");  // an import may hang, and nobody waits for it
}

// It may be stopped (SIGSTOP), and a generation must be able to end.
void ZygoteKeeper::close() {
    if (!zygote_) return;
    zygote_->close();
    to_end_.start(kEndLimit);
}

void ZygoteKeeper::kill(const std::string& reason) {
    if (zygote_) zygote_->kill(reason);
}

const FilterSpec* ZygoteKeeper::find_filter(std::uint32_t index) const {
    const auto& specs = options_.spec.filters;
    const auto spec =
        std::find_if(specs.begin(), specs.end(), [&](const FilterSpec& each) { return each.index == index; });
    return spec == specs.end() ? nullptr : &*spec;
}

}  // namespace pythonfilter
