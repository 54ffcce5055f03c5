#include "master/pool.h"

#include <algorithm>
#include <utility>

namespace pythonfilter {
namespace {

constexpr int kMaxAttempts = 5;             // times that a job may find its worker dead before it began
constexpr Duration kQueueHolds = 2s;  // a pool without workers for longer answers instead of letting messages wait
constexpr Duration kEndLimit = 5s;          // of a zygote without workers

}  // namespace

Pool::Pool(Loop& loop, Options options, QueueGauge& gauge, Reporter report, Callbacks callbacks)
    : loop_(loop),
      options_(std::move(options)),
      report_(std::move(report)),
      callbacks_(std::move(callbacks)),
      start_report_(options_.name, report_, callbacks_.on_settled),
      recycle_(options_.recycle),
      queue_(loop, gauge),
      to_import_(loop, [this] { zygote_->kill("imports took longer than start_timeout"); }),
      to_fork_(loop, [this] { zygote_->kill("a fork took longer than start_timeout"); }),
      to_respawn_(loop, [this] { fill(); }),
      to_end_(loop, [this] { if (zygote_) zygote_->kill("it did not end by itself"); }),
      to_bury_(loop, [this] { graves_.clear(); }) {}

void Pool::enter(State state) {
    if (state == state_ || state_ == State::stopping) return;
    static constexpr const char* names[] = {"starting", "serving", "failed", "stopping"};
    report_(LogLevel::debug,
            "pool " + options_.name + ": " + names[static_cast<int>(state_)] + " -> " + names[static_cast<int>(state)]);
    state_ = state;
    if (state == State::failed) queue_.answer_all(JobResult::Kind::unavailable);
}

void Pool::start() { fill(); }

// ---- the zygote

void Pool::start_zygote() {
    ZygoteClient::Callbacks callbacks;
    callbacks.on_report = [this](ZygoteReport report, UniqueFd pidfd) {
        on_report(std::move(report), std::move(pidfd));
    };
    callbacks.on_dead = [this](std::string reason) { zygote_dead(reason); };
    callbacks.on_line = [this](std::string_view line) {
        report_(LogLevel::output, "[" + options_.name + "] " + escape(line));
    };
    zygote_respawn_.started(Clock::now());
    imported_ = false;
    auto zygote = ZygoteClient::start(loop_, options_.program, options_.spec, std::move(callbacks));
    if (!zygote) {
        report_(LogLevel::error, "pool " + options_.name + ": " + zygote.error().text);
        start_report_.settle(zygote.error().text);
        retry_after(zygote_respawn_.died(Clock::now()));
        return;
    }
    zygote_ = std::move(*zygote);
    to_import_.start(options_.start_timeout);
}

void Pool::on_report(ZygoteReport report, UniqueFd pidfd) {
    switch (report.kind) {
        case ZygoteReport::Kind::hello: return;
        case ZygoteReport::Kind::importing: importing_ = report.text; return;
        case ZygoteReport::Kind::imported: imported(report.failures); return;
        case ZygoteReport::Kind::tainted: tainted(report.text); return;
        case ZygoteReport::Kind::forked:
            fork_answered();
            if (WorkerSlot* slot = find(report.slot); slot && pidfd && report.pid > 1 && slot->pid() == 0) {
                slot->forked(report.pid, std::move(pidfd), options_.start_timeout);
            }
            return;
        case ZygoteReport::Kind::fork_failed:
            fork_answered();
            if (WorkerSlot* slot = find(report.slot)) slot->fork_failed(report.text);
            return;
        case ZygoteReport::Kind::exited:
            if (WorkerSlot* slot = find(report.slot)) slot->buried(report.status);
            return;
    }
}

void Pool::imported(const std::vector<Ready::Failure>& failures) {
    to_import_.stop();
    importing_.clear();
    imported_ = true;
    zygote_respawn_.became_ready(Clock::now());
    note_failures(failures);
    fill();
}

// A filter may have hooked os.fork(): the zygote's forks have a deadline like its imports.
void Pool::fork_answered() {
    if (forks_asked_ > 0) --forks_asked_;
    if (forks_asked_ > 0) to_fork_.start(options_.start_timeout);
    else to_fork_.stop();
}

// The old contract allows a filter to open things at import; then nothing may be shared by forks.
void Pool::tainted(const std::string& what) {
    report_(LogLevel::warning,
            "pool " + options_.name + ": a filter " + escape(what) +
                " while it was imported, so each worker imports for itself from now on (preload: no)");
    options_.spec.preload = false;
    restarting_ = true;
    zygote_->kill("preload is not possible");
}

void Pool::zygote_dead(const std::string& reason) {
    to_import_.stop();
    to_fork_.stop();
    forks_asked_ = 0;
    const bool planned = std::exchange(restarting_, false);
    const auto zygote = std::move(zygote_);  // dies after the callbacks below
    std::vector<WorkerSlot*> orphans;
    for (const auto& slot : slots_) orphans.push_back(slot.get());
    for (WorkerSlot* slot : orphans) slot->zygote_died();
    callbacks_.on_zygote_dead();
    if (state_ == State::stopping) {
        if (empty()) callbacks_.on_empty();
        return;
    }
    const std::string importing = std::exchange(importing_, {});
    if (!planned) {
        const std::string where = importing.empty() ? "" : ", in the import of " + escape(importing);
        report_(LogLevel::error, "pool " + options_.name + ": zygote ended" + where + ": " + escape(reason));
        start_report_.settle("zygote of pool " + options_.name + " ended" + where + ": " + escape(reason));
    }
    retry_after(planned ? Duration(0) : zygote_respawn_.died(Clock::now()));
}

// ---- workers

void Pool::fill() {
    if (state_ == State::stopping || to_respawn_.active()) return;
    if (!zygote_) {
        start_zygote();
        return;
    }
    if (!imported_) return;
    const auto leaves = [](const auto& slot) { return slot->state() == WorkerSlot::State::leaving; };
    const auto leaving = static_cast<int>(std::count_if(slots_.begin(), slots_.end(), leaves));
    // Those that leave may take their time over it: never more of them than the pool has workers.
    const int wanted = options_.workers + (recycled_ != 0 ? 1 : 0) + std::min(leaving, options_.workers);
    while (static_cast<int>(slots_.size()) < wanted) {
        if (!fork_worker()) return;
    }
}

// It leaves at once, so its replacement need not be waited for.
void Pool::retire(WorkerSlot& slot, const std::string& reason) {
    if (slot.id() == recycled_) recycled_ = 0;
    report_(LogLevel::info, "worker " + slot.label() + " is replaced: " + escape(reason));
    slot.leave();
    if (state_ != State::stopping) fill();
}

bool Pool::fork_worker() {
    const std::uint32_t number = free_number();
    const ForkRequest request{++last_slot_, number};
    auto slot = WorkerSlot::create(loop_, request.slot, options_.name + "/" + std::to_string(number), slot_callbacks());
    Status sent = slot ? zygote_->fork(request, (*slot)->worker_ends()) : Status(slot.error());
    if (!sent) {
        report_(LogLevel::error, "pool " + options_.name + ": no new worker: " + sent.error().text);
        worker_respawn_.started(Clock::now());
        retry_after(worker_respawn_.died(Clock::now()));
        return false;
    }
    if (forks_asked_++ == 0) to_fork_.start(options_.start_timeout);
    (*slot)->close_worker_ends();
    slots_.push_back(std::move(*slot));
    return true;
}

std::uint32_t Pool::free_number() const {
    for (std::uint32_t number = 1;; ++number) {
        const std::string label = options_.name + "/" + std::to_string(number);
        if (std::none_of(slots_.begin(), slots_.end(), [&](const auto& slot) { return slot->label() == label; }))
            return number;
    }
}

WorkerSlot* Pool::find(std::uint32_t slot) {
    const auto found = std::find_if(slots_.begin(), slots_.end(), [&](const auto& each) { return each->id() == slot; });
    return found == slots_.end() ? nullptr : found->get();
}

WorkerSlot::Callbacks Pool::slot_callbacks() {
    WorkerSlot::Callbacks callbacks;
    callbacks.on_ready = [this](WorkerSlot& slot, Ready ready) { worker_ready(slot, ready); };
    callbacks.on_idle = [this](WorkerSlot& slot) { worker_idle(slot); };
    callbacks.on_retire = [this](WorkerSlot& slot, std::string reason) { retire(slot, reason); };
    callbacks.on_dead = [this](WorkerSlot& slot, std::string reason) { worker_dead(slot, reason); };
    callbacks.on_not_begun = [this](Job job) { not_begun(std::move(job)); };
    callbacks.on_line = [this](WorkerSlot& slot, std::string_view line) { worker_line(slot, line); };
    callbacks.on_note = [this](WorkerSlot& slot, std::string note) {
        report_lines(report_, LogLevel::warning, "[" + slot.label() + " " + escape(slot.current_message_id()) + "] ",
                     note);
    };
    return callbacks;
}

void Pool::worker_ready(WorkerSlot& slot, const Ready& ready) {
    worker_respawn_.reset();
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
    if (ready_count >= options_.workers) start_report_.settle();
    look_at_fresh(slot);
    WorkerSlot* recycled = find(recycled_);
    if (recycled && recycled->state() == WorkerSlot::State::idle) end_recycling(*recycled);
    worker_idle(slot);
}

void Pool::worker_idle(WorkerSlot& slot) {
    if (state_ == State::stopping) {
        slot.leave();
        return;
    }
    if (end_recycling(slot)) return;
    begin_recycling(slot);
    if (auto job = queue_.next()) {
        dispatch(slot, std::move(*job));
    } else {
        idle_.push_back(&slot);
    }
}

void Pool::worker_dead(WorkerSlot& slot, const std::string& reason) {
    std::erase(idle_, &slot);
    const bool was_ready = slot.has_been_ready();
    if (slot.id() == recycled_) recycled_ = 0;
    const std::string label = slot.label();
    const FilterSpec* filter = find_filter(slot.running_filter());
    const auto found =
        std::find_if(slots_.begin(), slots_.end(), [&](const auto& each) { return each.get() == &slot; });
    graves_.push_back(std::move(*found));
    slots_.erase(found);
    to_bury_.start(0s);
    if (state_ == State::stopping) {
        if (slots_.empty() && zygote_) close_zygote();
        if (empty()) callbacks_.on_empty();
        return;
    }
    if (was_ready) {
        report_(LogLevel::info, "worker " + label + " ended: " + escape(reason));
        last_worker_ = Clock::now();
        retry_after(Duration(0));
        return;
    }
    const std::string where = filter ? ", in init_filter of " + escape(filter->name) : std::string();
    const std::string problem = "worker " + label + " ended before it was ready" + where + ": " + escape(reason);
    report_(LogLevel::error, problem);
    start_report_.settle(problem);
    worker_respawn_.started(Clock::now());
    retry_after(worker_respawn_.died(Clock::now()));
}

// nullptr when no filter of ours has this index.
const FilterSpec* Pool::find_filter(std::uint32_t index) const {
    const auto& specs = options_.spec.filters;
    const auto spec =
        std::find_if(specs.begin(), specs.end(), [&](const FilterSpec& each) { return each.index == index; });
    return spec == specs.end() ? nullptr : &*spec;
}

void Pool::worker_line(WorkerSlot& slot, std::string_view line) {
    if (!slot.has_been_ready()) {
        start_report_.line(line);
        return;
    }
    const std::string id = slot.current_message_id();
    report_(LogLevel::output, "[" + slot.label() + (id.empty() ? "" : " " + escape(id)) + "] " + escape(line));
}

// Something is missing: try again after the delay. Without any worker for some time, past or to come, the pool has
// failed: one attempt that hangs for all of start_timeout is enough.
void Pool::retry_after(Duration delay) {
    if (delay == Duration(0)) {
        fill();
        return;
    }
    if (!to_respawn_.active()) to_respawn_.start(delay);
    const bool has_worker =
        std::any_of(slots_.begin(), slots_.end(), [](const auto& slot) { return slot->has_been_ready(); });
    if (!has_worker && Clock::now() + delay > last_worker_ + kQueueHolds) enter(State::failed);
}

void Pool::note_failures(const std::vector<Ready::Failure>& failures) {
    for (const Ready::Failure& failure : failures) {
        if (const FilterSpec* filter = find_filter(failure.filter)) start_report_.failure(*filter, failure.text);
    }
}

// ---- jobs

void Pool::submit(Job job) {
    if (state_ == State::stopping) {
        JobQueue::answer(std::move(job), JobResult::Kind::stopped);
    } else if (state_ == State::failed) {
        JobQueue::answer(std::move(job), JobResult::Kind::unavailable);
    } else if (WorkerSlot* slot = queue_.empty() ? take_idle() : nullptr) {
        dispatch(*slot, std::move(job));
    } else {
        queue_.push_back(std::move(job));
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

void Pool::dispatch(WorkerSlot& slot, Job job) {
    ++job.attempts;
    slot.run(std::move(job));
}

// A worker that died before it took its job is nobody's fault: another worker gets it, ahead of the queue.
void Pool::not_begun(Job job) {
    if (state_ == State::stopping) {
        JobQueue::answer(std::move(job), JobResult::Kind::stopped);
    } else if (job.attempts >= kMaxAttempts || state_ == State::failed) {
        JobQueue::answer(std::move(job), JobResult::Kind::unavailable);
    } else if (WorkerSlot* slot = take_idle()) {
        dispatch(*slot, std::move(job));
    } else {
        queue_.push_front(std::move(job));
    }
}

// ---- the end

void Pool::stop() {
    enter(State::stopping);
    to_respawn_.stop();
    to_import_.stop();
    queue_.answer_all(JobResult::Kind::stopped);
    idle_.clear();
    for (std::size_t i = slots_.size(); i-- > 0;) {
        if (slots_[i]->state() != WorkerSlot::State::busy) slots_[i]->leave();
    }
    if (!zygote_) {
        if (empty()) callbacks_.on_empty();
    } else if (!imported_) {
        zygote_->kill("is not needed any more");  // an import may hang, and nobody waits for it
    } else if (slots_.empty()) {
        close_zygote();
    }
}

// It may be stopped (SIGSTOP), and a generation must be able to end.
void Pool::close_zygote() {
    zygote_->close();
    to_end_.start(kEndLimit);
}

void Pool::kill_all(const std::string& reason) {
    for (std::size_t i = slots_.size(); i-- > 0;) slots_[i]->kill(JobResult::Kind::stopped, reason);
    if (zygote_) zygote_->kill(reason);
}

void Pool::collect_pids(std::unordered_set<pid_t>& pids) const {
    if (zygote_) pids.insert(zygote_->pid());
    for (const auto& slot : slots_) pids.insert(slot->pid());
}

}  // namespace pythonfilter
