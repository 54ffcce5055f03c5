#include "master/pool.h"

#include "config/option_text.h"

#include <algorithm>
#include <csignal>
#include <utility>

namespace pythonfilter {
namespace {

constexpr int kMaxAttempts = 5;             // times that a job may find its worker dead before it began
constexpr Duration kOutlived = 1s;    // until a zygote that was killed for its worker is gone for sure
constexpr Duration kQueueHolds = 2s;  // a pool without workers for longer answers instead of letting messages wait

}  // namespace

Pool::Pool(Loop& loop, Options options, PoolGauges& gauge, Reporter report, Callbacks callbacks)
    : loop_(loop),
      options_(std::move(options)),
      report_(std::move(report)),
      callbacks_(std::move(callbacks)),
      gauge_(gauge),
      totals_(gauge.workers[options_.name]),
      resize_(options_.size),
      start_report_(options_.name, report_, callbacks_.on_settled),
      recycle_(options_.recycle),
      queue_(loop, gauge),
      keeper_(loop, std::move(options_.zygote), report_, keeper_callbacks()),
      to_respawn_(loop, [this] { fill(); }),
      to_grow_(loop, [this] { look_at_queue(); }),
      to_shrink_(loop, [this] { look_at_idle(); }),
      to_age_(loop, [this] { look_at_ages(); }),
      to_bury_(loop, [this] { graves_.clear(); }),
      to_take_back_(loop, [this] { look_at_ahead(); }),
      before_wait_(loop, [this] { send_ahead(); }) {}

void Pool::enter(State state) {
    if (state == state_ || state_ == State::stopping) return;
    report_(LogLevel::debug, "pool " + options_.name + ": " + name_of(state_) + " -> " + name_of(state));
    state_ = state;
    if (state == State::failed) queue_.answer_all(JobResult::Kind::unavailable);
}

// ---- the zygote

ZygoteKeeper::Callbacks Pool::keeper_callbacks() {
    ZygoteKeeper::Callbacks callbacks;
    callbacks.on_ready = [this](const std::vector<Ready::Failure>& failures) {
        note_failures(failures);
        fill();
    };
    callbacks.on_forked = [this](std::uint32_t number, pid_t pid, UniqueFd pidfd, Duration took) {
        WorkerSlot* slot = find(number);
        if (slot && pidfd && pid > 1 && slot->pid() == 0)
            slot->forked(pid, std::move(pidfd), took, options_.start_timeout);
    };
    callbacks.on_fork_failed = [this](std::uint32_t number, std::string reason) {
        if (WorkerSlot* slot = find(number)) slot->fork_failed(std::move(reason));
    };
    callbacks.on_exited = [this](std::uint32_t number, int wait_status) {
        if (WorkerSlot* slot = find(number)) slot->buried(wait_status);
    };
    callbacks.on_dead = [this](const std::string& problem, Duration delay) { zygote_dead(problem, delay); };
    if (options_.exclusive) callbacks.may_start = [this] { return slots_.empty() && callbacks_.no_orphans(); };
    return callbacks;
}

void Pool::zygote_dead(const std::string& problem, Duration delay) {
    std::vector<WorkerSlot*> orphans;
    for (const auto& slot : slots_) orphans.push_back(slot.get());
    for (WorkerSlot* slot : orphans) {
        numbers_.excuse(slot->id());
        slot->zygote_died();
    }
    callbacks_.on_zygote_dead();
    if (state_ == State::stopping) {
        if (empty()) callbacks_.on_empty();
        return;
    }
    if (problem.empty()) return;
    start_report_.settle(problem);
    none_before(Clock::now() + delay);
}

// ---- workers

int Pool::count_serving() const {
    const auto serves = [](const auto& slot) { return slot->serves(); };
    return static_cast<int>(std::count_if(slots_.begin(), slots_.end(), serves));
}

int Pool::lacking() const {
    const auto leaves = [](const auto& slot) { return slot->state() == WorkerSlot::State::leaving; };
    const auto leaving = static_cast<int>(std::count_if(slots_.begin(), slots_.end(), leaves));
    if (options_.exclusive) return slots_.empty() ? 1 : 0;  // not before the last one has been buried
    return resize_.size() + (recycled_ != 0 ? 1 : 0) + leaving - static_cast<int>(slots_.size());
}

void Pool::fill() {
    if (state_ == State::stopping || !keeper_.ready()) return;
    if (options_.exclusive && to_respawn_.active()) return;  // the zygote may be dying with a worker that outlived
    while (const auto number = numbers_.take(lacking(), last_slot_ + 1, Clock::now())) {
        if (!fork_worker(*number)) break;
    }
    if (const auto next = numbers_.next(lacking())) to_respawn_.start_at(*next);
}

bool Pool::fork_worker(std::uint32_t number) {
    const ForkRequest request{++last_slot_, number};
    auto slot = WorkerSlot::create(loop_, request.slot, options_.name + "/" + std::to_string(number),
                                   options_.watch, gauge_.busy, slot_callbacks());
    Status sent = slot ? keeper_.fork(request, (*slot)->worker_ends()) : Status(slot.error());
    if (!sent) {
        report_(LogLevel::error, "pool " + options_.name + ": no new worker: " + sent.error().text);
        none_before(Clock::now() + numbers_.left(request.slot, false, Clock::now()));
        return false;
    }
    (*slot)->close_worker_ends();
    slots_.push_back(std::move(*slot));
    ++totals_.started;
    return true;
}

// It leaves at once, so its replacement need not be waited for.
void Pool::retire(WorkerSlot& slot, const std::string& reason) {
    if (slot.id() == recycled_) recycled_ = 0;
    report_(LogLevel::info, "worker " + slot.label() + " is replaced: " + escape(reason),
            worker_fields(slot.label(), {}));
    dismiss(slot);
    if (state_ != State::stopping) fill();
}

// Those that leave may take their time over it, but never more of them than the pool has workers: then the first goes.
void Pool::dismiss(WorkerSlot& slot) {
    numbers_.excuse(slot.id());
    history_.leaves(slot.id());
    slot.leave();
    const auto leaves = [](const auto& each) { return each->state() == WorkerSlot::State::leaving; };
    if (std::count_if(slots_.begin(), slots_.end(), leaves) <= resize_.size()) return;
    (*std::find_if(slots_.begin(), slots_.end(), leaves))->kill(JobResult::Kind::stopped, "took too long to leave");
}

WorkerSlot* Pool::find(std::uint32_t slot) {
    const auto found = std::find_if(slots_.begin(), slots_.end(), [&](const auto& each) { return each->id() == slot; });
    return found == slots_.end() ? nullptr : found->get();
}

WorkerSlot::Callbacks Pool::slot_callbacks() {
    WorkerSlot::Callbacks callbacks;
    callbacks.on_ready = [this](WorkerSlot& slot, Ready ready) { worker_ready(slot, ready); };
    callbacks.on_idle = [this](WorkerSlot& slot) { worker_idle(slot); };
    callbacks.on_next = [this](WorkerSlot& slot) { worker_next(slot); };
    callbacks.on_retire = [this](WorkerSlot& slot, std::string reason) { retire(slot, reason); };
    callbacks.on_dead = [this](WorkerSlot& slot, std::string reason) { worker_dead(slot, reason); };
    callbacks.on_not_begun = [this](Job job) { not_begun(std::move(job)); };
    callbacks.on_taken_back = [this](std::vector<Job> jobs) { taken_back(std::move(jobs)); };
    callbacks.on_line = [this](WorkerSlot& slot, std::string_view line) { worker_line(slot, line); };
    callbacks.on_slow = [this](WorkerSlot& slot, std::uint32_t filter) { stand_back(slot, filter); };
    callbacks.on_note = [this](WorkerSlot& slot, std::string note) {
        report_lines(report_, LogLevel::warning, "[" + slot.label() + " " + escape(slot.current_message_id()) + "] ",
                     note, worker_fields(slot.label(), slot.current_message_id()));
    };
    return callbacks;
}

void Pool::worker_ready(WorkerSlot& slot, const Ready& ready) {
    numbers_.became_ready(slot.id(), Clock::now());
    note_failures(ready.failures);
    const std::string lacks = escape(ready.sandbox_lacks);
    if (std::exchange(sandbox_lacks_, lacks).empty() && !lacks.empty())
        report_(LogLevel::warning, "pool " + options_.name + ": sandbox: not complete: " + lacks);
    if (state_ == State::stopping) {
        slot.leave();
        return;
    }
    enter(State::serving);
    const auto is_ready = [](const auto& each) { return each->has_been_ready(); };
    const auto ready_count = std::count_if(slots_.begin(), slots_.end(), is_ready);
    if (ready_count >= options_.size.min) start_report_.settle();
    fill();  // those that are missing may try again at once
    look_at_fresh(slot);
    WorkerSlot* recycled = find(recycled_);
    if (recycled && recycled->state() == WorkerSlot::State::idle) end_recycling(*recycled);
    worker_idle(slot);
    if (!queue_.empty()) queued();
    recycle_next();
}

void Pool::worker_idle(WorkerSlot& slot) {
    if (state_ == State::stopping) {
        slot.leave();
        return;
    }
    if (end_recycling(slot)) return;
    look_at_served(slot);
    if (options_.exclusive && end_recycling(slot)) return;
    if (auto job = queue_.next()) {
        dispatch(slot, std::move(*job));
    } else {
        idle_.push_back(&slot);
        take_over();
    }
}

void Pool::worker_next(WorkerSlot& slot) {
    if (state_ != State::stopping) look_at_served(slot);
}

void Pool::worker_dead(WorkerSlot& slot, const std::string& reason) {
    std::erase(idle_, &slot);
    if (last_used_ == &slot) last_used_ = nullptr;
    const std::uint32_t id = slot.id();
    const bool was_ready = slot.has_been_ready(), has_worked = slot.has_begun();
    if (slot.id() == recycled_) recycled_ = 0;
    const std::string label = slot.label();
    const bool failed = history_.ended(slot.id(), label, escape(reason), Clock::now());
    ++totals_.ended;
    if (failed && state_ != State::stopping) ++totals_.failed;
    const FilterSpec* filter = keeper_.find_filter(slot.running_filter());
    const auto found =
        std::find_if(slots_.begin(), slots_.end(), [&](const auto& each) { return each.get() == &slot; });
    graves_.push_back(std::move(*found));
    slots_.erase(found);
    to_bury_.start(0s);
    if (state_ == State::stopping) {
        if (slots_.empty()) keeper_.close();
        if (empty()) callbacks_.on_empty();
        return;
    }
    const Duration delay = numbers_.left(id, has_worked, Clock::now());
    if (options_.exclusive && slot.pid() > 0 && ::kill(slot.pid(), 0) == 0) return outlived(label);
    const std::string next = delay > Duration(0) ? "; the next one in " + format_duration(delay) : std::string();
    if (was_ready) {
        report_(LogLevel::info, "worker " + label + " ended: " + escape(reason) + next, worker_fields(label, {}));
        last_worker_ = Clock::now();
    } else {
        const std::string where = filter ? ", in init_filter of " + escape(filter->name) : std::string();
        const std::string problem = "worker " + label + " ended before it was ready" + where + ": " + escape(reason);
        report_(LogLevel::error, problem + next, worker_fields(label, {}, filter ? filter->name : ""));
        start_report_.settle(problem);
    }
    fill();
    const auto starts = [](const auto& each) { return !each->has_been_ready(); };
    if (std::none_of(slots_.begin(), slots_.end(), starts))
        none_before(numbers_.next(lacking()).value_or(Clock::now()));
}

// It was killed and is still there, perhaps in a system call that does not end. Its zygote goes, too: the next one, and
// with it the next worker, comes when the kernel has let go of both.
void Pool::outlived(const std::string& label) {
    report_(LogLevel::error, "worker " + label + " does not die: its exclusive pool waits for that");
    start_report_.settle("worker " + label + " does not die");
    keeper_.kill("its worker does not die");
    last_worker_ = Clock::now();
    to_respawn_.start(kOutlived);
    none_before(Clock::now() + kOutlived);
}

void Pool::worker_line(WorkerSlot& slot, std::string_view line) {
    if (!slot.has_been_ready()) {
        start_report_.line(line);
        return;
    }
    const std::string id = slot.current_message_id();
    const FilterSpec* filter = id.empty() ? nullptr : keeper_.find_filter(slot.running_filter());
    report_(LogLevel::output, "[" + slot.label() + (id.empty() ? "" : " " + escape(id)) + "] " + escape(line),
            worker_fields(slot.label(), id, filter ? filter->name : ""));
}

// Without any worker for some time, past or to come, the pool has failed: one attempt that hangs for all of
// start_timeout is enough.
void Pool::none_before(TimePoint next_attempt) {
    const bool has_worker =
        std::any_of(slots_.begin(), slots_.end(), [](const auto& slot) { return slot->has_been_ready(); });
    if (!has_worker && next_attempt > last_worker_ + kQueueHolds) enter(State::failed);
}

void Pool::note_failures(const std::vector<Ready::Failure>& failures) {
    for (const Ready::Failure& failure : failures) {
        const FilterSpec* filter = keeper_.find_filter(failure.filter);
        if (filter) start_report_.failure(*filter, failure.text);
    }
}

// ---- jobs

void Pool::submit(Job&& job) {
    if (state_ == State::stopping) {
        JobQueue::answer(std::move(job), JobResult::Kind::stopped);
    } else if (state_ == State::failed) {
        JobQueue::answer(std::move(job), JobResult::Kind::unavailable);
    } else if (WorkerSlot* slot = queue_.empty() ? take_free(job.queued_at) : nullptr) {
        dispatch(*slot, std::move(job));
    } else {
        queue_.push_back(std::move(job));
        queued();
    }
}

// The one used last: its memory is warm. One that is dying is still listed until it is buried.
WorkerSlot* Pool::take_idle() {
    while (!idle_.empty()) {
        WorkerSlot* slot = idle_.back();
        idle_.pop_back();
        if (slot->state() == WorkerSlot::State::idle) return slot;
    }
    return nullptr;
}

// While only one worker has something to do, and does it fast, the master does not sleep before the answer. (The worker
// does when it has nothing to do: one that went on looking took the processor from four clients.)
void Pool::dispatch(WorkerSlot& slot, Job&& job) {
    ++job.attempts;
    const bool is_alone = gauge_.busy == (slot.state() == WorkerSlot::State::busy ? 1 : 0);
    last_used_ = &slot;
    if (is_alone && slot.answers_soon()) loop_.stay_awake(Clock::now() + AheadPolicy::kSoon);
    else loop_.may_sleep();
    if (slot.state() == WorkerSlot::State::busy) {
        slot.add_ahead(std::move(job));
        slot.send_ahead();
        watch_ahead();
    } else {
        slot.run(std::move(job));
    }
}

// A worker that died before it took its job is nobody's fault: another worker gets it, ahead of the queue.
void Pool::not_begun(Job job) {
    if (job.attempts >= kMaxAttempts) return JobQueue::answer(std::move(job), JobResult::Kind::unavailable);
    put_back(std::move(job));
    dispatch_waiting();
}

void Pool::put_back(Job job) {
    if (state_ == State::stopping) return JobQueue::answer(std::move(job), JobResult::Kind::stopped);
    if (state_ == State::failed) return JobQueue::answer(std::move(job), JobResult::Kind::unavailable);
    queue_.push_front(std::move(job));
    queued();
}

void Pool::dispatch_waiting() {
    while (!queue_.empty()) {
        WorkerSlot* slot = take_idle();
        if (!slot) return;
        auto job = queue_.next();
        if (!job) return idle_.push_back(slot);
        dispatch(*slot, std::move(*job));
    }
}

std::vector<Job> Pool::take_waiting() {
    std::vector<Job> jobs;
    while (auto job = queue_.next()) jobs.push_back(std::move(*job));
    return jobs;
}

// ---- the end

void Pool::stop() {
    enter(State::stopping);
    for (Timer* timer : {&to_respawn_, &to_grow_, &to_shrink_, &to_age_}) timer->stop();
    queue_.answer_all(JobResult::Kind::stopped);
    idle_.clear();
    for (std::size_t i = slots_.size(); i-- > 0;) {
        if (slots_[i]->state() != WorkerSlot::State::busy) slots_[i]->leave();
    }
    keeper_.stop();
    if (slots_.empty()) keeper_.close();
    if (empty()) callbacks_.on_empty();
}

void Pool::kill_all(const std::string& reason) {
    for (std::size_t i = slots_.size(); i-- > 0;) slots_[i]->kill(JobResult::Kind::stopped, reason);
    keeper_.kill(reason);
}

void Pool::collect_pids(std::unordered_set<pid_t>& pids) const {
    if (keeper_.exists()) pids.insert(keeper_.pid());
    for (const auto& slot : slots_) pids.insert(slot->pid());
}

}  // namespace pythonfilter
