#include "master/pool_place.h"

#include <algorithm>
#include <utility>

namespace pythonfilter {

PoolPlace::PoolPlace(std::string name, bool exclusive, Make make, Callbacks callbacks)
    : name_(std::move(name)),
      exclusive_(exclusive),
      make_(std::move(make)),
      callbacks_(std::move(callbacks)),
      pool_(make_pool()) {
    number_ = last_number_;
}

std::unique_ptr<Pool> PoolPlace::make_pool() {
    Pool::Callbacks callbacks;
    callbacks.on_settled = [this, number = ++last_number_](const std::vector<std::string>& problems) {
        settled(number, problems);
    };
    callbacks.on_zygote_dead = callbacks_.on_zygote_dead;
    callbacks.no_orphans = callbacks_.no_orphans;
    callbacks.on_empty = callbacks_.on_empty;
    return make_(std::move(callbacks));
}

void PoolPlace::settled(int number, const std::vector<std::string>& problems) {
    const bool is_candidate = candidate_ && number == last_number_;
    if (!is_candidate && number != number_) return;
    problems_ = problems;
    if (is_candidate && problems.empty()) take_place(std::move(candidate_), number);
    else if (is_candidate) leave(std::move(candidate_));
    if (is_candidate || renewed_) callbacks_.on_renewed(*this);
    else callbacks_.on_settled();
}

void PoolPlace::take_place(std::unique_ptr<Pool> next, int number) {
    auto old = std::exchange(pool_, std::move(next));
    number_ = number;
    renewed_ = true;
    for (Job& job : old->take_waiting()) pool_->submit(std::move(job));
    leave(std::move(old));
}

void PoolPlace::leave(std::unique_ptr<Pool> pool) {
    leaving_.push_back(std::move(pool));
    leaving_.back()->stop();
}

void PoolPlace::renew() {
    if (candidate_ || awaits_start_) return;
    if (exclusive_) return replace();
    std::erase_if(leaving_, [](const auto& pool) { return pool->empty(); });
    candidate_ = make_pool();
    candidate_->start();
}

void PoolPlace::replace() {
    if (candidate_) leave(std::move(candidate_));
    auto next = make_pool();
    take_place(std::move(next), last_number_);
    awaits_start_ = true;
}

void PoolPlace::start_replaced() {
    if (!awaits_start_ || !gone()) return;
    awaits_start_ = false;
    leaving_.clear();
    pool_->start();
}

void PoolPlace::stop() {
    awaits_start_ = false;
    if (candidate_) leave(std::move(candidate_));
    pool_->stop();
}

void PoolPlace::kill_all(const std::string& reason) {
    pool_->kill_all(reason);
    if (candidate_) candidate_->kill_all(reason);
    for (const auto& pool : leaving_) pool->kill_all(reason);
}

template <class Test>
bool PoolPlace::all_pools(Test test) const {
    return test(*pool_) && (!candidate_ || test(*candidate_)) &&
           std::all_of(leaving_.begin(), leaving_.end(), [&](const auto& pool) { return test(*pool); });
}

bool PoolPlace::gone() const {
    return all_pools([](const Pool& pool) { return !pool.has_process(); });
}

bool PoolPlace::empty() const {
    return all_pools([](const Pool& pool) { return pool.empty(); });
}

void PoolPlace::collect_pids(std::unordered_set<pid_t>& pids) const {
    all_pools([&](const Pool& pool) {
        pool.collect_pids(pids);
        return true;
    });
}

}  // namespace pythonfilter
