// FailurePolicy: which key decides which event, and what a site that runs from pythonfilter.conf keeps.
#include "config/policy.h"

#include <algorithm>
#include <doctest/doctest.h>
#include <vector>

using namespace pythonfilter;

TEST_CASE("policy: everything defers unless told otherwise") {
    for (int event = 0; event < kFailureEvents; ++event) {
        CHECK(FailurePolicy{}.action(static_cast<FailureEvent>(event)) == FailureAction::defer);
    }
}

TEST_CASE("policy: each key decides its own events and no other") {
    struct Row {
        FailureAction FailurePolicy::*key;
        std::vector<FailureEvent> events;
    };
    const Row rows[] = {
        {&FailurePolicy::on_error, {FailureEvent::exception, FailureEvent::exit}},
        {&FailurePolicy::on_timeout, {FailureEvent::timeout}},
        {&FailurePolicy::on_crash, {FailureEvent::crash}},
        {&FailurePolicy::on_bad_reply, {FailureEvent::not_a_string, FailureEvent::bad_reply}},
        {&FailurePolicy::on_unavailable, {FailureEvent::unavailable}},
    };
    int decided = 0;
    for (const Row& row : rows) {
        FailurePolicy policy;
        policy.*row.key = FailureAction::reject;
        for (int event = 0; event < kFailureEvents; ++event) {
            const auto value = static_cast<FailureEvent>(event);
            const bool mine = std::find(row.events.begin(), row.events.end(), value) != row.events.end();
            CAPTURE(to_string(value));
            CHECK(policy.action(value) == (mine ? FailureAction::reject : FailureAction::defer));
            decided += mine;
        }
    }
    CHECK(decided == kFailureEvents);
}

TEST_CASE("policy: from pythonfilter.conf an exception and a result that is no str are skipped, all else is not") {
    FailurePolicy policy;
    policy.legacy = true;
    for (int event = 0; event < kFailureEvents; ++event) {
        const auto value = static_cast<FailureEvent>(event);
        const bool skipped = value == FailureEvent::exception || value == FailureEvent::not_a_string;
        CAPTURE(to_string(value));
        CHECK(policy.action(value) == (skipped ? FailureAction::skip : FailureAction::defer));
    }
}

TEST_CASE("policy: actions and events have names for the log") {
    CHECK(to_string(FailureAction::skip) == "skip");
    CHECK(to_string(FailureAction::defer) == "defer");
    CHECK(to_string(FailureAction::reject) == "reject");
    CHECK(to_string(FailureEvent::exception) == "exception");
    CHECK(to_string(FailureEvent::unavailable) == "unavailable");
    for (int event = 0; event < kFailureEvents; ++event) {
        CHECK(to_string(static_cast<FailureEvent>(event)) != "unknown");
    }
}
