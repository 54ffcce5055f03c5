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

std::string title(const Generation& generation) { return "generation " + std::to_string(generation.number()); }

}  // namespace

Generations::Generations(Loop& loop, ConfigRequest request, QueueGauge& gauge, Reporter report, Callbacks callbacks)
    : loop_(loop),
      request_(std::move(request)),
      gauge_(gauge),
      report_(std::move(report)),
      callbacks_(std::move(callbacks)),
      retry_delay_(kFirstRetry),
      to_retry_(loop, [this] { retry(); }),
      to_sweep_(loop, [this] { sweep(); }),
      to_clear_(loop, [this] { clear_away(); }) {}

std::unique_ptr<Generation> Generations::make(Config config) {
    Generation::Callbacks callbacks;
    callbacks.on_settled = [this](Generation& which, const std::vector<std::string>& problems) {
        settled(which, problems);
    };
    callbacks.on_zygote_dead = [this] { to_sweep_.start(kSweepStep); };
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

void Generations::reload() {
    if (stopping_) return;
    if (other_ || !settled_) {
        reload_wanted_ = true;
        report_(LogLevel::info, "reload: will begin when the generation before has " +
                                    std::string(other_ && !proving_ ? "drained" : "been proved"));
        return;
    }
    reload_wanted_ = false;
    auto config = load_config(request_);
    if (!config) {
        report_lines(report_, LogLevel::error, "reload: ", config.error().text);
        report_(LogLevel::error, "reload: the configuration cannot be used; " + title(*current_) + " stays in force");
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
    other_ = make(std::move(config));
    report_(LogLevel::info, title(*other_) + " is being proved");
    other_->start();
}

void Generations::settled(Generation& generation, const std::vector<std::string>& problems) {
    if (stopping_) return;
    if (&generation != current_.get()) {
        proving_ = false;
        if (problems.empty()) switch_to_next();
        else give_up_next(problems);
        return;
    }
    settled_ = true;
    if (problems.empty()) report_(LogLevel::info, title(generation) + " serves: " + generation.config().file);
    else
        report_(LogLevel::error,
                title(generation) + " serves with problems: filters that are not available get their policy's answer");
    retry_later();
    callbacks_.on_in_force(generation.config());
    if (reload_wanted_) reload();
}

void Generations::switch_to_next() {
    std::swap(current_, other_);
    report_(LogLevel::info,
            title(*current_) + " serves: " + current_->config().file + "; " + title(*other_) + " drains");
    retry_delay_ = kFirstRetry;
    callbacks_.on_in_force(current_->config());
    other_->drain();
}

void Generations::give_up_next(const std::vector<std::string>& problems) {
    for (const std::string& problem : problems) report_lines(report_, LogLevel::error, "reload: ", problem);
    report_(LogLevel::error, "reload: " + title(*other_) + " is given up; " + title(*current_) + " stays in force");
    other_->stop();
    retry_later();
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
    graves_.clear();
    if (reload_wanted_) reload();
}

void Generations::retry_later() {
    if (current_->problems().empty()) return;
    to_retry_.start(retry_delay_);
    retry_delay_ = std::min(2 * retry_delay_, kLastRetry);
}

// The configuration in force once more, not the file: what is half edited is not put in force by a timer.
void Generations::retry() {
    if (stopping_ || other_) {
        if (other_) to_retry_.start(kFirstRetry);
        return;
    }
    Config again = current_->config();
    again.warnings.clear();  // they have been told
    prove(std::move(again));
}

// Processes that came to us when a zygote died: whatever is neither a zygote nor a worker is somebody's leftover.
void Generations::sweep() {
    std::unordered_set<pid_t> ours;
    for (const auto* generation : {current_.get(), other_.get()}) {
        if (generation) generation->collect_pids(ours);
    }
    if (!orphans_.clear(ours)) to_sweep_.start(kSweepStep);
}

void Generations::stop() {
    stopping_ = true;
    to_retry_.stop();
    if (proving_) other_->stop();
    else if (other_) other_->finish();
    current_->finish();
}

void Generations::kill_all(const std::string& reason) {
    current_->kill_all(reason);
    if (other_) other_->kill_all(reason);
}

}  // namespace pythonfilter
