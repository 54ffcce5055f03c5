#include "master/generation.h"

#include "base/process.h"
#include "config/pool_settings.h"
#include "config/pool_size.h"

#include <algorithm>
#include <unistd.h>
#include <utility>

namespace pythonfilter {
namespace {

Pool::Options pool_options(const Config& config, const Route& route, std::uint32_t index) {
    const std::string prefix = installation_prefix();
    Pool::Options options;
    options.name = route.pools[index];
    const PoolConfig& pool = config.pools.at(options.name);
    options.size = pool_size(pool.workers);
    options.recycle = pool.recycle;
    options.exclusive = pool.exclusive;
    options.start_timeout = options.zygote.start_timeout = pool.start_timeout;
    options.zygote.program = {preload_library(), pool.env};
    options.watch = {pool.slow_after, pool.limits.cpu, pool.limits.children, pool.limits.threads};
    ZygoteSpec& spec = options.zygote.spec;
    spec.pool = options.name;
    spec.preload = pool.preload == Preload::automatic;
    spec.limits = pool.limits;
    spec.nice = pool.nice;
    spec.slow_after = pool.slow_after;
    spec.python_dir = prefix + "/lib/pythonfilter/python";
    spec.filter_path = config.filter_path;
    spec.sandbox = resolve_sandbox(pool.sandbox, config.courier, {getppid(), getpid()});
    spec.filters = filter_specs(route, index);
    spec.config_file = config.file;
    spec.settings = pool_settings(config, options.name);
    return options;
}

}  // namespace

Generation::Generation(Loop& loop, int number, Config config, PoolGauges& gauge, const Reporter& report,
                       Callbacks callbacks)
    : number_(number),
      config_(std::move(config)),
      route_(compile_route(config_)),
      breakers_(config_, report),
      callbacks_(std::move(callbacks)) {
    for (const Route::Filter& filter : route_.filters) filter_names_.push_back(filter.name);
    for (std::uint32_t i = 0; i < route_.pools.size(); ++i) {
        const std::string& name = route_.pools[i];
        auto make = [this, &loop, &gauge, report, i](Pool::Callbacks of_pool) {
            return std::make_unique<Pool>(loop, pool_options(config_, route_, i), gauge, report, std::move(of_pool));
        };
        PoolPlace::Callbacks of_place;
        of_place.on_settled = [this] { pool_settled(); };
        of_place.on_renewed = [this](PoolPlace& place) { callbacks_.on_renewed(*this, place); };
        of_place.on_zygote_dead = callbacks_.on_zygote_dead;
        of_place.no_orphans = callbacks_.no_orphans;
        of_place.on_empty = [this] { pool_empty(); };
        places_.push_back(std::make_unique<PoolPlace>(name, config_.pools.at(name).exclusive, std::move(make),
                                                      std::move(of_place)));
    }
}

// ---- pools

template <class Use>
void Generation::each_place(const Names& names, Use use) const {
    for (const auto& place : places_) {
        if (names.contains(place->name())) use(*place);
    }
}

void Generation::start(const Names& without) {
    Names names(route_.pools.begin(), route_.pools.end());
    for (const std::string& name : without) names.erase(name);
    start_pools(names);
}

void Generation::start_pools(const Names& names) {
    started_ += names.size();
    if (started_ == settled_) callbacks_.on_settled(*this, problems());
    each_place(names, [](PoolPlace& place) { place.start(); });
}

void Generation::pool_settled() {
    if (++settled_ == started_) callbacks_.on_settled(*this, problems());
}

std::vector<std::string> Generation::problems() const {
    std::vector<std::string> all;
    for (const auto& place : places_) {
        for (const std::string& problem : place->problems()) all.push_back("pool " + place->name() + ": " + problem);
    }
    return all;
}

void Generation::stop_pools(const Names& names) {
    each_place(names, [](PoolPlace& place) { place.stop(); });
}

void Generation::kill_pools(const Names& names, const std::string& reason) {
    each_place(names, [&](PoolPlace& place) { place.kill_all(reason); });
}

bool Generation::pools_gone(const Names& names) const {
    bool all_gone = true;
    each_place(names, [&](const PoolPlace& place) { all_gone = all_gone && place.gone(); });
    return all_gone;
}

void Generation::replace_pools(const Names& names) {
    each_place(names, [](PoolPlace& place) { place.replace(); });
}

bool Generation::awaits_start() const {
    return std::any_of(places_.begin(), places_.end(), [](const auto& place) { return place->awaits_start(); });
}

void Generation::start_replaced() {
    for (const auto& place : places_) place->start_replaced();
}

void Generation::renew_failed_pools() {
    for (const auto& place : places_) {
        if (!place->problems().empty()) place->renew();
    }
}

bool Generation::has_exclusive_pools() const {
    return std::any_of(route_.pools.begin(), route_.pools.end(),
                       [this](const std::string& name) { return config_.pools.at(name).exclusive; });
}

Pool& Generation::idle_pool(std::uint32_t index) {
    const auto has_idle = [](const auto& place) { return place->pool().has_idle(); };
    if (has_idle(places_[index])) return pool(index);
    const auto idle = std::find_if(places_.begin(), places_.end(), has_idle);
    return idle == places_.end() ? pool(index) : (*idle)->pool();
}

void Generation::collect_pids(std::unordered_set<pid_t>& pids) const {
    for (const auto& place : places_) place->collect_pids(pids);
}

// ---- messages, and the end

void Generation::message_ended() {
    --messages_;
    if (messages_ > 0) return;
    if (on_quiet_) std::exchange(on_quiet_, {})();
    if (draining_) stop();
}

void Generation::when_quiet(std::function<void()> callback) {
    if (callback && messages_ == 0) return callback();
    on_quiet_ = std::move(callback);
}

void Generation::drain() {
    draining_ = true;
    if (messages_ == 0) stop();
}

void Generation::finish() {
    for (const auto& place : places_) place->pool().refuse_waiting();
    drain();
}

void Generation::stop() {
    if (stopped_) return;
    stopped_ = true;
    for (const auto& place : places_) place->stop();
    pool_empty();
}

void Generation::kill_all(const std::string& reason) {
    stop();
    for (const auto& place : places_) place->kill_all(reason);
}

bool Generation::empty() const {
    return stopped_ && std::all_of(places_.begin(), places_.end(), [](const auto& place) { return place->empty(); });
}

void Generation::pool_empty() {
    if (empty() && !std::exchange(told_empty_, true)) callbacks_.on_empty(*this);
}

std::string_view Generation::breaker_state(const std::string& filter) const {
    std::optional<Breaker::State> worst;
    for (std::uint32_t i = 0; i < filter_names_.size(); ++i) {
        if (filter_names_[i] != filter) continue;
        const auto state = breakers_.state(i);
        if (!worst || *worst == Breaker::State::closed) worst = state;
    }
    return worst ? to_string(*worst) : std::string_view();
}

std::vector<PoolStatus> Generation::describe(TimePoint now) const {
    std::vector<PoolStatus> result;
    for (const auto& place : places_) {
        result.push_back(place->pool().describe(now));
        result.back().generation = number_;
    }
    return result;
}

bool Generation::trace(const std::string& worker, const std::function<void(TraceStatus)>& done) {
    return std::any_of(places_.begin(), places_.end(),
                       [&](const auto& place) { return place->pool().trace(worker, done); });
}

bool Generation::recycle(const std::string& pool) {
    bool found = pool.empty();
    for (const auto& place : places_) {
        if (!pool.empty() && place->name() != pool) continue;
        place->pool().recycle();
        found = true;
    }
    return found;
}

}  // namespace pythonfilter
