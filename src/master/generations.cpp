#include "master/generations.h"

#include "config/restart_keys.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

namespace pythonfilter {
namespace {

constexpr Duration kFirstRetry = 5s;
constexpr Duration kLastRetry = 5min;
constexpr Duration kSweepStep = 50ms;
constexpr Duration kStartStep = 20ms;  // between looks whether the way is free for pools that were replaced

std::string title(const Generation& generation) { return "generation " + std::to_string(generation.number()); }

}  // namespace

Generations::Generations(Loop& loop, ConfigRequest request, PoolGauges& gauge, Reporter report, Callbacks callbacks)
    : loop_(loop),
      request_(std::move(request)),
      gauge_(gauge),
      report_(std::move(report)),
      callbacks_(std::move(callbacks)),
      retry_delay_(kFirstRetry),
      to_retry_(loop, [this] { retry(); }),
      to_sweep_(loop, [this] { sweep(); }),
      to_clear_(loop, [this] { clear_away(); }),
      to_start_(loop, [this] { start_replaced(); }) {}

std::unique_ptr<Generation> Generations::make(Config config) {
    Generation::Callbacks callbacks;
    callbacks.on_settled = [this](Generation& which, const std::vector<std::string>& problems) {
        settled(which, problems);
    };
    callbacks.on_renewed = [this](Generation& which, PoolPlace& place) { renewed(which, place); };
    callbacks.on_zygote_dead = [this] { to_sweep_.start(kSweepStep); };
    callbacks.no_orphans = [this] { return no_orphans(); };
    callbacks.on_empty = [this](Generation& which) { emptied(which); };
    for (const std::string& warning : config.warnings) report_(LogLevel::warning, warning);
    return std::make_unique<Generation>(loop_, ++last_number_, std::move(config), gauge_, report_,
                                        std::move(callbacks));
}

void Generations::start(Config config) {
    started_with_ = config;
    current_ = make(std::move(config));
    current_->start();
}

void Generations::reload(ReloadWaiters::Done done) {
    waiters_.add(std::move(done));
    if (stopping_) return waiters_.end_all({"the server is stopping"});
    if (other_ || !settled_) {
        reload_wanted_ = true;
        report_(LogLevel::info, "reload: will begin when the generation before has " +
                                    std::string(other_ && !proving_ ? "drained" : "been proved"));
        return;
    }
    reload_wanted_ = false;
    waiters_.begin();
    auto config = load_config(request_);
    if (!config) {
        report_lines(report_, LogLevel::error, "reload: ", config.error().text);
        report_(LogLevel::error, "reload: the configuration cannot be used; " + title(*current_) + " stays in force");
        reload_ended({config.error().text});
        return;
    }
    for (const std::string& key : changed_restart_keys(started_with_, *config))
        report_(LogLevel::warning, "reload: " + key + " has changed; that needs a restart, the old value stays");
    retry_delay_ = kFirstRetry;
    prove(std::move(*config));
}

void Generations::prove(Config config) {
    to_retry_.stop();
    proving_ = true;
    handover_.reset();  // of the reload before
    other_ = make(std::move(config));
    exclusive_ = exclusive_pools(current_->config(), other_->config());
    report_(LogLevel::info, title(*other_) + " is being proved");
    other_->start(exclusive_.next);
}

void Generations::settled(Generation& generation, const std::vector<std::string>& problems) {
    if (stopping_) return;
    if (&generation != current_.get()) return next_settled(problems);
    settled_ = true;
    if (problems.empty()) report_(LogLevel::info, title(generation) + " serves: " + generation.config().file);
    else
        report_(LogLevel::error,
                title(generation) + " serves with problems: filters that are not available get their policy's answer");
    retry_later();
    callbacks_.on_in_force(generation.config());
    if (reload_wanted_) reload();
}

// All its pools are proved, or those that are not exclusive.
void Generations::next_settled(const std::vector<std::string>& problems) {
    if (!problems.empty()) return next_proved(problems);
    if (!handover_ && !exclusive_.next.empty()) return hand_over();
    if (other_->config().server.canary.message.empty()) return next_proved({});
    callbacks_.run_canary(*other_, [this, number = other_->number()](const std::string& problem) {
        if (stopping_ || !proving_ || other_->number() != number) return;
        next_proved(problem.empty() ? std::vector<std::string>{} : std::vector{problem});
    });
}

void Generations::next_proved(const std::vector<std::string>& problems) {
    if (handover_) handover_->next_settled(problems);
    else if (problems.empty()) switch_to_next();
    else give_up_next(problems);
}

void Generations::hand_over() {
    Handover::Callbacks callbacks;
    callbacks.no_orphans = [this] { return no_orphans(); };
    callbacks.take_over = [this] {
        switch_to_next();
        callbacks_.on_let_in();
    };
    callbacks.restore = [this](const std::vector<std::string>& reasons) { restore(reasons); };
    handover_ = std::make_unique<Handover>(loop_, *current_, *other_, exclusive_, report_, std::move(callbacks));
    callbacks_.on_hold();
    handover_->begin();
}

// The old pools' places are there again at once, so that messages wait in their pool and no others have to.
void Generations::restore(const std::vector<std::string>& reasons) {
    give_up_next(reasons);
    current_->replace_pools(exclusive_.old);
    to_start_.start(kStartStep);
    callbacks_.on_let_in();
}

// In the way are the pools that they replace, those that failed to take their place, and what these left.
void Generations::start_replaced() {
    if (stopping_ || !current_->awaits_start()) return;
    if ((!other_ || other_->pools_gone(exclusive_.next)) && no_orphans()) current_->start_replaced();
    if (current_->awaits_start()) to_start_.start(kStartStep);
}

void Generations::switch_to_next() {
    proving_ = false;
    std::swap(current_, other_);
    report_(LogLevel::info,
            title(*current_) + " serves: " + current_->config().file + "; " + title(*other_) + " drains");
    retry_delay_ = kFirstRetry;
    callbacks_.on_in_force(current_->config());
    other_->drain();
    reload_ended({});
}

void Generations::give_up_next(const std::vector<std::string>& problems) {
    proving_ = false;
    for (const std::string& problem : problems) report_lines(report_, LogLevel::error, "reload: ", problem);
    report_(LogLevel::error, "reload: " + title(*other_) + " is given up; " + title(*current_) + " stays in force");
    other_->stop();
    retry_later();
    reload_ended(problems);
}

// Also of a retry, which nobody waits for.
void Generations::reload_ended(const std::vector<std::string>& problems) {
    ++(problems.empty() ? reloads_ : reloads_given_up_);
    last_reload_ = {problems.empty() ? "serves" : "given up", {}, 0};
    for (const std::string& problem : problems) last_reload_.problems.push_back(escape_lines(problem));
    last_reload_at_ = Clock::now();
    waiters_.end(last_reload_.problems);
}

void Generations::describe(ServerStatus& status, TimePoint now) const {
    status.generation = current_->number();
    status.config_file = escape(current_->config().file);
    for (const std::string& problem : current_->problems()) status.problems.push_back(escape_lines(problem));
    status.last_reload = last_reload_;
    if (!last_reload_.result.empty()) status.last_reload.ago_seconds = to_seconds(now - last_reload_at_);
    for (const auto* generation : {current_.get(), other_.get()}) {
        if (!generation) continue;
        for (PoolStatus& pool : generation->describe(now)) status.pools.push_back(std::move(pool));
    }
}

void Generations::describe(ServerStats& stats) const {
    stats.reloads = reloads_;
    stats.reloads_given_up = reloads_given_up_;
}

bool Generations::trace(const std::string& worker, const std::function<void(TraceStatus)>& done) {
    return current_->trace(worker, done) || (other_ && other_->trace(worker, done));
}

void Generations::emptied(Generation& generation) {
    if (stopping_) {
        if (current_->empty() && (!other_ || other_->empty())) callbacks_.on_empty();
        return;
    }
    if (&generation == other_.get()) {
        graves_.push_back(std::move(other_));
        to_clear_.start(Duration(0));
    }
}

void Generations::clear_away() {
    handover_.reset();
    graves_.clear();
    if (reload_wanted_) reload();
}

void Generations::retry_later() {
    if (current_->problems().empty()) return;
    to_retry_.start(retry_delay_);
    retry_delay_ = std::min(2 * retry_delay_, kLastRetry);
}

// The configuration in force once more, not the file: what is half edited is not put in force by a timer. To prove all
// of it would stop exclusive pools that are well, and with them all mail: there only the pools that failed are renewed.
void Generations::retry() {
    if (stopping_ || other_) {
        if (other_) to_retry_.start(kFirstRetry);
        return;
    }
    if (current_->has_exclusive_pools()) {
        current_->renew_failed_pools();
        to_start_.start(Duration(0));
        return;
    }
    Config again = current_->config();
    again.warnings.clear();  // they have been told
    prove(std::move(again));
}

void Generations::renewed(const Generation& generation, const PoolPlace& place) {
    if (stopping_ || &generation != current_.get()) return;
    if (place.problems().empty()) report_(LogLevel::info, "pool " + place.name() + ": ready again");
    if (current_->problems().empty()) retry_delay_ = kFirstRetry;
    else if (!to_retry_.active()) retry_later();
}

// Processes that came to us when a zygote died: whatever is neither a zygote nor a worker is somebody's leftover.
bool Generations::no_orphans() {
    std::unordered_set<pid_t> ours;
    for (const auto* generation : {current_.get(), other_.get()}) {
        if (generation) generation->collect_pids(ours);
    }
    return orphans_.clear(ours);
}

void Generations::sweep() {
    if (!no_orphans()) to_sweep_.start(kSweepStep);
}

void Generations::stop() {
    stopping_ = true;
    waiters_.end_all({"the server is stopping"});
    to_retry_.stop();
    to_start_.stop();
    handover_.reset();
    if (proving_) other_->stop();
    else if (other_) other_->finish();
    current_->finish();
}

void Generations::kill_all(const std::string& reason) {
    current_->kill_all(reason);
    if (other_) other_->kill_all(reason);
}

}  // namespace pythonfilter
