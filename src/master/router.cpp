#include "master/router.h"

#include "config/option_text.h"
#include "message/identity_digest.h"
#include "message/reply.h"

#include <algorithm>
#include <cstdlib>
#include <sys/stat.h>
#include <utility>

namespace pythonfilter {
namespace {

// What happened; a traceback or the like follows from the second line on.
std::string_view first_line(std::string_view text) { return text.substr(0, text.find('\n')); }

constexpr Duration kDigestLimit = 2s;    // for taking the digest of a message that a worker was lost with
constexpr std::size_t kMaxDetail = 500;  // of the line that names policy and message behind it

std::string shortened(std::string_view text) {
    return escape(text.substr(0, kMaxDetail)) + (text.size() > kMaxDetail ? "..." : "");
}

// Two or three calls of stat() on files that were just used, and only after a death.
bool files_are(const Request& request, const Identity& expected) {
    IdentityDigest digest;
    struct stat info{};
    if (stat(request.body_path.c_str(), &info) != 0) return false;
    digest.add(info);
    for (const std::string& path : request.control_paths) {
        if (stat(path.c_str(), &info) != 0) return false;
        digest.add(info);
    }
    return digest.identity() == expected;
}

DigestKey random_key() {
    DigestKey key;
    arc4random_buf(&key, sizeof key);
    return key;
}

}  // namespace

Router::Message::Message(Generation& its_generation, Request&& its_request, TimePoint when, Client&& its_client)
    : generation(its_generation),
      request(std::move(its_request)),
      client(std::move(its_client)),
      accepted(when),
      budget_end(when + its_generation.config().server.message_timeout),
      walk(its_generation.route()) {
    record.body_path = request.body_path;
}

Router::Router(PoolGauges& gauge, Reporter report)
    : gauge_(gauge), report_(std::move(report)), poison_(random_key()) {}

void Router::begin(Generation& generation, Request&& request, TimePoint accepted, Client&& client, Duration waited) {
    if (gauge_.full()) {
        turn_away(request, accepted, client, OwnAnswer::queue_full);
        return;
    }
    generation.message_began();
    const auto [message, is_new] =
        messages_.try_emplace(++last_message_, generation, std::move(request), accepted, std::move(client));
    message->second.record.queue_wait = waited;
    step(message, Clock::now());
}

bool Router::is_stuck(TimePoint now, Duration slack) const {
    return std::any_of(messages_.begin(), messages_.end(),
                       [&](const auto& entry) { return now > entry.second.budget_end + slack; });
}

void Router::turn_away(const Request& request, TimePoint accepted, const Client& client, OwnAnswer why) {
    MessageRecord record;
    record.body_path = request.body_path;
    record.reply = row_of(why).reply();
    record.reason = row_of(why).reason;
    client.answer(record.reply);
    counters_.answered(why);
    counters_.answered(record.reply);
    record.total = Clock::now() - accepted;
    report_(LogLevel::warning, message_line(record, {}), message_fields(record));
}

// The job may come back before submit() returns, and with it the end of the message.
void Router::step(Messages::iterator message, TimePoint now) {
    Message& its = message->second;
    Breakers& breakers = its.generation.breakers();
    const auto refuses = [&](std::uint32_t filter) { return breakers.refuses(filter, now); };
    while (auto dispatch = its.walk.next(refuses)) {
        if (dispatch->refused) {
            if (apply_policy(its, dispatch->filters.front(), FailureEvent::unavailable, "breaker open")) continue;
            end(message, its.walk.failure_reply());
            return;
        }
        its.dispatch = std::move(*dispatch);
        its.probes = breakers.begin(its.dispatch.filters, now);
        its.generation.pool(its.dispatch.pool).submit(make_filter_job(message->first, its, now));
        return;
    }
    end(message, its.walk.final_reply());
}

Job Router::make_job(std::uint64_t id, const Message& message, TimePoint now) {
    Job job;
    job.task.id = task_ids_.next();
    job.task.filters = message.dispatch.filters;
    job.task.state = message.walk.state();
    job.task.expected = message.walk.expected();
    if (job.task.expected && job.task.expected == message.facts_of && may_be_told(message.record.facts))
        job.task.facts = message.record.facts;
    job.task.body_path = message.request.body_path;
    job.task.control_paths = message.request.control_paths;
    for (const std::uint32_t filter : message.dispatch.filters) {
        job.timeouts.push_back(message.generation.route().filters[filter].timeout);
    }
    job.budget_end = message.budget_end;
    job.queued_at = now;
    job.client_gone = [this, id] { return messages_.at(id).client.has_hung_up(); };
    return job;
}

Job Router::make_filter_job(std::uint64_t id, const Message& message, TimePoint now) {
    Job job = make_job(id, message, now);
    auto refused = poison_.refused(message.generation.config().server.poison, now);
    if (!refused.empty()) job.task.digest_order = DigestOrder{poison_.key(), std::move(refused), false};
    job.done = [this, id](JobResult&& result) { take_result(id, std::move(result)); };
    return job;
}

void Router::take_result(std::uint64_t id, JobResult&& result) {
    const auto message = messages_.find(id);
    Message& its = message->second;
    const TimePoint now = Clock::now();
    counters_.breakers_opened += its.generation.breakers().came_back(its.probes, result, now);
    MessageRecord& record = its.record;
    record.queue_wait += result.queue_wait;
    if (!result.worker.empty())
        counters_.queue_wait[its.generation.route().pools[its.dispatch.pool]].add(result.queue_wait);
    if (!result.worker.empty()) record.worker = result.worker;
    if (record.facts.id.empty()) record.facts = std::move(result.facts);
    switch (result.kind) {
        case JobResult::Kind::outcome: take_outcome(message, std::move(result.outcome), now); return;
        case JobResult::Kind::crashed:
        case JobResult::Kind::timed_out: take_loss(message, result); return;
        case JobResult::Kind::unavailable: take_unavailable(message); return;
        case JobResult::Kind::out_of_time: end(message, OwnAnswer::out_of_time); return;
        case JobResult::Kind::stopped: end(message, OwnAnswer::stopping); return;
        case JobResult::Kind::client_gone: end(message, OwnAnswer::client_gone); return;
    }
}

void Router::take_outcome(Messages::iterator message, Outcome&& outcome, TimePoint now) {
    Message& its = message->second;
    note_runs(its, std::move(outcome.runs));
    if (!outcome.facts.id.empty()) {
        its.record.facts = std::move(outcome.facts);
        its.facts_of.reset();
        if (outcome.facts_hold) its.facts_of = outcome.identity;
    }
    note_removals(its, outcome.removals);
    note_left_behind(its, outcome.notes);
    switch (outcome.kind) {
        case OutcomeKind::finished:
            note_skipped(its, outcome.incidents, outcome.incidents.size());
            its.walk.finished(its.dispatch, outcome.state, outcome.identity);
            step(message, now);
            return;
        case OutcomeKind::decided: take_decision(message, outcome); return;
        case OutcomeKind::failed: take_failed_stage(message, outcome); return;
        case OutcomeKind::gone: end(message, OwnAnswer::files_gone, outcome.detail); return;
        case OutcomeKind::changed: end(message, OwnAnswer::files_changed, outcome.detail); return;
        case OutcomeKind::poisoned: take_poisoned(message, outcome); return;
        case OutcomeKind::digested: return;  // of no job that comes back here: see plausible.h
    }
}

void Router::take_decision(Messages::iterator message, const Outcome& outcome) {
    Message& its = message->second;
    note_skipped(its, outcome.incidents, outcome.incidents.size());
    const std::string& text = outcome.state.pending_reply;
    const ReplyClass kind = classify_reply(text);
    its.record.decided_by = its.generation.route().filters[outcome.filter].name;
    if (kind == ReplyClass::bad || kind == ReplyClass::none) {  // a worker of ours would have told a failure
        its.walk.progressed({outcome.task_id, outcome.filter, outcome.state, outcome.identity, {}, {}, {}});
        if (apply_policy(its, outcome.filter, FailureEvent::bad_reply, text)) step(message, Clock::now());
        else end(message, its.walk.failure_reply());
        return;
    }
    std::string reply = compose_reply(text);
    statistics_.decided(its.record.decided_by, verdict_of(reply));
    end(message, std::move(reply));
}

void Router::take_failed_stage(Messages::iterator message, const Outcome& outcome) {
    Message& its = message->second;
    const Incident& last = outcome.incidents.back();  // worker_slot lets no `failed` without one through
    note_skipped(its, outcome.incidents, outcome.incidents.size() - 1);
    its.walk.progressed({outcome.task_id, outcome.filter, outcome.state, outcome.identity, {}, {}, {}});
    if (apply_policy(its, outcome.filter, last.event, last.text)) step(message, Clock::now());
    else end(message, its.walk.failure_reply());
}

// The worker is lost. What its last progress told stands; a message may go on only where nobody can write to its files
// any more and it is known what they were.
void Router::take_loss(Messages::iterator message, const JobResult& result) {
    Message& its = message->second;
    if (result.progress) {
        note_runs(its, result.progress->runs);
        note_removals(its, result.progress->removals);
        note_skipped(its, result.progress->incidents, result.progress->incidents.size());
        its.walk.progressed(*result.progress);
    } else if (result.began_with && !its.walk.expected()) {
        its.walk.began_with(*result.began_with);
    }
    const bool timed_out = result.kind == JobResult::Kind::timed_out;
    const bool goes_on =
        apply_policy(its, result.filter, timed_out ? FailureEvent::timeout : FailureEvent::crash, result.detail);
    if (!goes_on) {
        end_lost(message, result, its.walk.failure_reply());
    } else if (!result.worker_is_dead || !its.walk.expected() || !files_are(its.request, *its.walk.expected())) {
        its.record.reason = "its files may have been changed by " + its.generation.route().filters[result.filter].name;
        counters_.answered(OwnAnswer::files_changed);
        end_lost(message, result, row_of(OwnAnswer::files_changed).reply());
    } else {
        step(message, Clock::now());
    }
}

// The files vanish with the reply, so the digest must come first. Whichever worker is free can take it; the next one of
// this pool will be there soon.
void Router::end_lost(Messages::iterator message, const JobResult& result, std::string reply) {
    Message& its = message->second;
    if (its.generation.config().server.poison.kills == 0 || !result.worker_is_dead || result.zygote_died) {
        end(message, std::move(reply));
        return;
    }
    its.last_reply = std::move(reply);
    its.loss = (result.kind == JobResult::Kind::timed_out ? "timeout in " : "crash in ") +
               its.generation.route().filters[result.filter].name;
    Job job = make_job(message->first, its, Clock::now());
    job.task.expected.reset();
    job.task.facts.reset();
    job.task.digest_order = DigestOrder{poison_.key(), {}, true};
    job.timeouts.assign(job.task.filters.size(), kDigestLimit);
    job.budget_end = std::min(job.budget_end, job.queued_at + kDigestLimit);
    job.done = [this, id = message->first](const JobResult& digest) { take_digest(id, digest); };
    its.generation.idle_pool(its.dispatch.pool).submit(std::move(job));
}

void Router::take_digest(std::uint64_t id, const JobResult& result) {
    const auto message = messages_.find(id);
    Message& its = message->second;
    if (result.kind == JobResult::Kind::outcome && result.outcome.digest) {
        const PoisonConfig& config = its.generation.config().server.poison;
        const auto& entry = poison_.killed(*result.outcome.digest, its.loss, config, Clock::now());
        const bool enough = entry.kills >= config.kills;
        report_(LogLevel::warning, "message " + message_label(its.record) + ": " + its.loss + ", time " +
                                       std::to_string(entry.kills) + " of " + std::to_string(config.kills) +
                                       (enough ? "; it is not run again for " : "; remembered for ") +
                                       format_duration(config.remember));
    }
    end(message, std::move(its.last_reply));
}

void Router::take_poisoned(Messages::iterator message, const Outcome& outcome) {
    Message& its = message->second;
    ++counters_.poisoned;
    const PoisonTable::Entry* entry = poison_.find(*outcome.digest);  // worker_slot lets none through without
    const std::string cause = entry ? ": " + std::to_string(entry->kills) + " times " + entry->cause : "";
    const bool rejects = its.generation.config().server.poison.action == PoisonAction::reject;
    end(message, rejects ? replies::filter_reject() : replies::filter_defer(), "not run again" + cause);
}

void Router::take_unavailable(Messages::iterator message) {
    Message& its = message->second;
    for (const std::uint32_t filter : its.dispatch.filters) {
        if (apply_policy(its, filter, FailureEvent::unavailable, "its pool has no worker")) continue;
        end(message, its.walk.failure_reply());
        return;
    }
    step(message, Clock::now());
}

// True when the message goes on behind the filter.
bool Router::apply_policy(Message& message, std::uint32_t filter, FailureEvent event, std::string_view detail) {
    note_policy(message, filter, event, detail);
    if (message.walk.failed(filter, event)) {
        message.record.decided_by.clear();
        return true;
    }
    const std::string& name = message.generation.route().filters[filter].name;
    message.record.decided_by = name;
    message.record.reason = std::string(to_string(event)) + " in " + name;
    return false;
}

void Router::note_runs(Message& message, std::vector<FilterRun> runs) {
    for (const FilterRun& run : runs) statistics_.ran(message.generation.filter_names()[run.filter], run);
    std::vector<FilterRun>& all = message.record.runs;
    if (all.empty()) all = std::move(runs);
    else all.insert(all.end(), runs.begin(), runs.end());
}

void Router::note_left_behind(const Message& message, const std::vector<std::string>& notes) {
    for (const std::string& note : notes) {
        const std::string label = "[" + message.record.worker + " " + message_label(message.record) + "] ";
        report_(LogLevel::warning, label + escape(note), message_fields(message.record));
    }
}

void Router::note_removals(Message& message, const std::vector<Removal>& removals) {
    MessageRecord& record = message.record;
    for (const std::string& line : removal_lines(record, removals, message.generation.filter_names()))
        report_(LogLevel::info, line, message_fields(record));
    for (const Removal& removal : removals) record.removed += removal.count;
}

// The first `count` incidents were skipped by the worker itself, as the policy says.
void Router::note_skipped(Message& message, const std::vector<Incident>& incidents, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i)
        note_policy(message, incidents[i].filter, incidents[i].event, incidents[i].text);
}

void Router::note_policy(const Message& message, std::uint32_t filter, FailureEvent event, std::string_view detail) {
    const Route::Filter& its = message.generation.route().filters[filter];
    const FailureAction action = its.policy.action(event);
    statistics_.failed(its.name, event);
    counters_.used(event, action);
    const std::string id = message_label(message.record);
    const std::string& worker = message.record.worker;
    const LogFields fields = worker_fields(worker, message.record.facts.id, its.name);
    report_(LogLevel::warning, "filter " + its.name + ": " + std::string(to_string(event)) + ": " +
                                   shortened(first_line(detail)) + "; policy " + std::string(to_string(action)) +
                                   "; message " + id + (worker.empty() ? "" : " worker " + worker), fields);
    if (event == FailureEvent::unavailable) return;  // why was told once, when the generation began
    if (detail.size() > first_line(detail).size()) {
        report_lines(report_, LogLevel::warning, "[" + worker + " " + id + "] ",
                     detail.substr(first_line(detail).size() + 1), fields);
    }
}

void Router::end(Messages::iterator message, std::string reply, std::string reason) {
    const auto taken_out = messages_.extract(message);
    Message& its = taken_out.mapped();
    const bool client_there = its.client.answer(reply);
    const TimePoint now = Clock::now();
    end_minutes(now);
    its.record.total = now - its.accepted;
    counters_.took(its.record.total);
    its.record.reply = std::move(reply);
    if (!reason.empty()) its.record.reason = std::move(reason);
    if (client_there) {
        counters_.answered(its.record.reply);
    } else {
        ++counters_.client_gone;
        if (its.record.reason.empty()) its.record.reason = "the client hung up before the reply";
    }
    log(its.record, its.generation);
    its.generation.message_ended();
    if (!messages_.empty()) return;
    for (const auto& done : std::exchange(when_empty_, {})) done();
}

void Router::end(Messages::iterator message, OwnAnswer why, std::string reason) {
    counters_.answered(why);
    end(message, row_of(why).reply(), reason.empty() ? std::string(row_of(why).reason) : std::move(reason));
}

// No timer: it would wake an idle server for nothing. After a pause of hours one of them is enough.
void Router::end_minutes(TimePoint now) {
    minute_end_ = std::max(minute_end_, now - Duration(1min) * static_cast<int>(LastHour::kMinutes + 1));
    for (; now >= minute_end_; minute_end_ += 1min) {
        counters_.hour.minute_ended();
        statistics_.minute_ended();
    }
}

void Router::when_empty(std::function<void()> done) {
    if (messages_.empty()) done();
    else when_empty_.push_back(std::move(done));
}

void Router::log(const MessageRecord& record, const Generation& generation) {
    const FilterNames& names = generation.filter_names();
    const LogFields fields = report_.takes_fields() ? message_fields(record) : LogFields();
    report_(LogLevel::info, message_line(record, names), fields);
    for (const std::string& line : refusal_lines(record)) report_(LogLevel::info, line, fields);
    if (generation.config().server.accounting) report_(LogLevel::info, accounting_line(record, names), fields);
}

}  // namespace pythonfilter
