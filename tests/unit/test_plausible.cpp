// Reports that an honest worker could have sent, and each way of being something else.
#include "master/plausible.h"

#include <doctest/doctest.h>

using namespace pythonfilter;

namespace {

struct Reports {
    Task task;
    Progress progress;
    Outcome outcome;

    Reports() {
        task.id = 7;
        task.filters = {2, 3};
        progress.task_id = 7;
        progress.finished = 2;
        outcome.task_id = 7;
        outcome.runs = {{2, 1, 1}, {3, 1, 1}};
    }
};

}  // namespace

TEST_CASE_FIXTURE(Reports, "an honest worker is believed") {
    CHECK(plausible(progress, task));
    CHECK(plausible(outcome, task));
    outcome.runs = {{2, 1, 1}, {2, 1, 1}, {3, 1, 1}, {3, 1, 1}};  // do_filter and doFilter in both
    CHECK(plausible(outcome, task));
}

TEST_CASE_FIXTURE(Reports, "a report about another task is not believed") {
    progress.task_id = 8;
    outcome.task_id = 6;
    CHECK_FALSE(plausible(progress, task));
    CHECK_FALSE(plausible(outcome, task));
}

TEST_CASE_FIXTURE(Reports, "only filters that were asked for can have finished, run, failed or decided") {
    SUBCASE("finished") {
        progress.finished = 4;
        CHECK_FALSE(plausible(progress, task));
    }
    SUBCASE("run") { outcome.runs.push_back({4, 1, 1}); }
    SUBCASE("failed") { outcome.incidents.push_back({4, FailureEvent::exception, "x"}); }
    SUBCASE("decided") {
        outcome.kind = OutcomeKind::decided;
        outcome.filter = 4;
    }
    SUBCASE("removed a recipient") { outcome.removals = {{4, {"a@x"}, 1}}; }
    if (progress.finished == 2) CHECK_FALSE(plausible(outcome, task));
}

TEST_CASE_FIXTURE(Reports, "lists are no longer than an honest worker's") {
    SUBCASE("runs") { outcome.runs.resize(5, {2, 1, 1}); }
    SUBCASE("incidents") { outcome.incidents.resize(5, {2, FailureEvent::exception, "x"}); }
    SUBCASE("bypassed") { outcome.state.bypassed.resize(16 * 1024 + 1); }
    SUBCASE("recipients") { outcome.facts.recipients.resize(kMaxLoggedRecipients + 1); }
    SUBCASE("the text of an incident") {
        outcome.incidents.push_back({2, FailureEvent::exception, std::string(kMaxIncidentText + 1, 'x')});
    }
    SUBCASE("notes") { outcome.notes.resize(kMaxNotes + 1); }
    SUBCASE("a note") { outcome.notes.assign(1, std::string(kMaxNote + 1, 'x')); }
    SUBCASE("why the worker retires") { outcome.retire.assign(kMaxRetireText + 1, 'x'); }
    SUBCASE("the reply") { outcome.state.pending_reply.assign(16 * 1024 + 1, '2'); }
    CHECK_FALSE(plausible(outcome, task));
}

TEST_CASE_FIXTURE(Reports, "removals: each filter once, counted at least as named, not more names than are logged") {
    outcome.removals = {{2, {}, 0xffffffff}, {3, {kMaxLoggedRecipients, "a@x"}, kMaxLoggedRecipients}};
    progress.removals = outcome.removals;
    CHECK(plausible(outcome, task));
    CHECK(plausible(progress, task));
    SUBCASE("none at all") { outcome.removals[0].count = 0; }
    SUBCASE("fewer than named") { --outcome.removals[1].count; }
    SUBCASE("too many names together") { outcome.removals[0].recipients = {"b@x"}; }
    SUBCASE("more than filters") { outcome.removals.push_back({2, {}, 1}); }
    progress.removals = outcome.removals;
    CHECK_FALSE(plausible(outcome, task));
    CHECK_FALSE(plausible(progress, task));
}

TEST_CASE_FIXTURE(Reports, "a failed stage says how it failed") {
    outcome.kind = OutcomeKind::failed;
    outcome.filter = 3;
    CHECK_FALSE(plausible(outcome, task));
    outcome.incidents.push_back({3, FailureEvent::exception, "x"});
    CHECK(plausible(outcome, task));
}

TEST_CASE_FIXTURE(Reports, "a message is poisoned only by a digest that the task refuses") {
    outcome.kind = OutcomeKind::poisoned;
    CHECK_FALSE(plausible(outcome, task));
    task.digest_order = DigestOrder{{}, {{{1, 2, 3, 4}}}, false};
    CHECK_FALSE(plausible(outcome, task));
    outcome.digest = MessageDigest{{1, 2, 3, 5}};
    CHECK_FALSE(plausible(outcome, task));
    outcome.digest = MessageDigest{{1, 2, 3, 4}};
    CHECK(plausible(outcome, task));
    task.digest_order->only = true;
    CHECK_FALSE(plausible(outcome, task));
}

TEST_CASE_FIXTURE(Reports, "where the digest is all that was asked for, no filter ran; elsewhere it is no outcome") {
    outcome.kind = OutcomeKind::digested;
    CHECK_FALSE(plausible(outcome, task));
    task.digest_order = DigestOrder{};
    CHECK_FALSE(plausible(outcome, task));
    task.digest_order->only = true;
    CHECK(plausible(outcome, task));
    outcome.kind = OutcomeKind::gone;
    CHECK(plausible(outcome, task));
    outcome.kind = OutcomeKind::finished;
    CHECK_FALSE(plausible(outcome, task));
}
