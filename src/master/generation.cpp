#include "master/generation.h"

#include "base/process.h"
#include "config/pool_settings.h"

#include <algorithm>
#include <unistd.h>

namespace pythonfilter {
namespace {

Pool::Options pool_options(const Config& config, const Route& route, std::uint32_t index) {
    const std::string prefix = installation_prefix();
    Pool::Options options;
    options.name = route.pools[index];
    const PoolConfig& pool = config.pools.at(options.name);
    options.workers = pool.workers;
    options.recycle = pool.recycle;
    options.start_timeout = options.zygote.start_timeout = pool.start_timeout;
    options.zygote.program = {prefix + "/libexec/pythonfilter/pythonfilter-worker", pool.env};
    ZygoteSpec& spec = options.zygote.spec;
    spec.pool = options.name;
    spec.preload = pool.preload == Preload::automatic;
    spec.limits = pool.limits;
    spec.nice = pool.nice;
    spec.python_dir = prefix + "/lib/pythonfilter/python";
    spec.filter_path = config.filter_path;
    spec.sandbox = resolve_sandbox(pool.sandbox, config.courier, {getppid(), getpid()});
    spec.filters = filter_specs(route, index);
    spec.config_file = config.file;
    spec.settings = pool_settings(config, options.name);
    return options;
}

}  // namespace

Generation::Generation(Loop& loop, int number, Config config, QueueGauge& gauge, const Reporter& report,
                       Callbacks callbacks)
    : number_(number),
      config_(std::move(config)),
      route_(compile_route(config_)),
      breakers_(config_, report),
      spool_tmp_(config_.courier.localstatedir + "/tmp"),
      callbacks_(std::move(callbacks)) {
    for (const Route::Filter& filter : route_.filters) filter_names_.push_back(filter.name);
    for (std::uint32_t i = 0; i < route_.pools.size(); ++i) {
        Pool::Callbacks pool_callbacks;
        pool_callbacks.on_settled = [this, i](const std::vector<std::string>& problems) {
            pool_settled(route_.pools[i], problems);
        };
        pool_callbacks.on_zygote_dead = callbacks_.on_zygote_dead;
        pool_callbacks.on_empty = [this] { pool_empty(); };
        pools_.push_back(
            std::make_unique<Pool>(loop, pool_options(config_, route_, i), gauge, report, std::move(pool_callbacks)));
    }
}

void Generation::start() {
    if (pools_.empty()) callbacks_.on_settled(*this, {});
    for (const auto& pool : pools_) pool->start();
}

void Generation::pool_settled(const std::string& pool, const std::vector<std::string>& problems) {
    for (const std::string& problem : problems) problems_.push_back("pool " + pool + ": " + problem);
    if (++settled_ == pools_.size()) callbacks_.on_settled(*this, problems_);
}

void Generation::message_ended() {
    --messages_;
    if (draining_ && messages_ == 0) stop();
}

void Generation::drain() {
    draining_ = true;
    if (messages_ == 0) stop();
}

void Generation::finish() {
    for (const auto& pool : pools_) pool->refuse_waiting();
    drain();
}

void Generation::stop() {
    if (stopped_) return;
    stopped_ = true;
    for (const auto& pool : pools_) pool->stop();
    if (pools_.empty()) pool_empty();
}

void Generation::kill_all(const std::string& reason) {
    stop();
    for (const auto& pool : pools_) pool->kill_all(reason);
}

bool Generation::empty() const {
    return stopped_ && std::all_of(pools_.begin(), pools_.end(), [](const auto& pool) { return pool->empty(); });
}

Pool& Generation::idle_pool(std::uint32_t index) {
    if (pools_[index]->has_idle()) return *pools_[index];
    const auto idle = std::find_if(pools_.begin(), pools_.end(), [](const auto& pool) { return pool->has_idle(); });
    return idle == pools_.end() ? *pools_[index] : **idle;
}

void Generation::pool_empty() {
    if (empty()) callbacks_.on_empty(*this);
}

void Generation::collect_pids(std::unordered_set<pid_t>& pids) const {
    for (const auto& pool : pools_) pool->collect_pids(pids);
}

}  // namespace pythonfilter
