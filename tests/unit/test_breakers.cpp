// Breakers: which filters the result of a job speaks for or against.
#include "master/breakers.h"

#include <doctest/doctest.h>

using namespace pythonfilter;

namespace {

using Filters = Breakers::Filters;

// The filters a, b and c in one pool whose breakers open at the first failure, for 10 s.
struct Chain {
    Config config;
    std::vector<std::string> log;
    TimePoint now{1000s};

    Chain() {
        config.pools["default"].breaker = {1, 60s, 10s};
        for (const char* name : {"a", "b", "c"}) {
            config.filters.emplace_back();
            config.filters.back().filter = name;
        }
    }
};

JobResult lost(JobResult::Kind kind, std::uint32_t filter, std::vector<FilterRun> runs = {}) {
    JobResult result;
    result.kind = kind;
    result.filter = filter;
    if (!runs.empty()) {
        result.progress.emplace();
        result.progress->runs = std::move(runs);
    }
    return result;
}

JobResult answered(std::vector<FilterRun> runs) {
    JobResult result;
    result.kind = JobResult::Kind::outcome;
    result.outcome.runs = std::move(runs);
    return result;
}

}  // namespace

TEST_CASE_FIXTURE(Chain, "breakers: a crash and a timeout speak against the filter to blame and no other") {
    Breakers breakers(config, Reporter([this](LogLevel, const std::string& text, const LogFields&) {
                          log.push_back(text);
                      }));
    CHECK(breakers.came_back({}, lost(JobResult::Kind::crashed, 1, {{0, 1, 1}}), now) == 1);
    CHECK_FALSE(breakers.refuses(0, now));
    CHECK(breakers.refuses(1, now));
    CHECK_FALSE(breakers.refuses(2, now));
    CHECK(breakers.came_back({}, lost(JobResult::Kind::timed_out, 2), now) == 1);
    CHECK(breakers.refuses(2, now));
    CHECK(log == std::vector<std::string>{
                     "filter b: breaker closed -> open: 1 failures in a row, the last one a crash; next try in 10s",
                     "filter c: breaker closed -> open: 1 failures in a row, the last one a timeout; next try in 10s"});
}

TEST_CASE_FIXTURE(Chain, "breakers: what is no filter's fault opens none") {
    Breakers breakers(config, Reporter([](LogLevel, const std::string&, const LogFields&) {}));
    for (const auto kind : {JobResult::Kind::out_of_time, JobResult::Kind::unavailable, JobResult::Kind::client_gone,
                            JobResult::Kind::stopped})
        breakers.came_back({}, lost(kind, 1), now);
    JobResult with_zygote = lost(JobResult::Kind::crashed, 1);
    with_zygote.zygote_died = true;
    breakers.came_back({}, with_zygote, now);
    JobResult failed = answered({{1, 1, 1}});
    failed.outcome.kind = OutcomeKind::failed;
    failed.outcome.incidents = {{1, FailureEvent::exception, "x"}};
    breakers.came_back({}, failed, now);
    CHECK_FALSE(breakers.refuses(1, now));
}

TEST_CASE_FIXTURE(Chain, "breakers: a probe closes what the message came through, and opens what it died in") {
    Breakers breakers(config, Reporter([](LogLevel, const std::string&, const LogFields&) {}));
    breakers.came_back({}, lost(JobResult::Kind::crashed, 0), now);
    breakers.came_back({}, lost(JobResult::Kind::crashed, 1), now);
    now += 10s;
    const Filters probes = breakers.begin({0, 1, 2}, now);
    CHECK(probes == Filters{0, 1});
    breakers.came_back(probes, lost(JobResult::Kind::crashed, 1, {{0, 1, 1}}), now);
    CHECK_FALSE(breakers.refuses(0, now));
    CHECK(breakers.refuses(1, now + 19s));
    CHECK_FALSE(breakers.refuses(1, now + 20s));
}

TEST_CASE_FIXTURE(Chain, "breakers: a filter whose first hook came through and whose second one died has failed") {
    Breakers breakers(config, Reporter([](LogLevel, const std::string&, const LogFields&) {}));
    breakers.came_back({}, lost(JobResult::Kind::crashed, 0), now);
    now += 10s;
    const Filters probes = breakers.begin({0}, now);
    breakers.came_back(probes, lost(JobResult::Kind::crashed, 0, {{0, 1, 1}}), now);
    CHECK(breakers.refuses(0, now + 19s));
}

TEST_CASE_FIXTURE(Chain, "breakers: a probe that an earlier filter ended leaves the later one open") {
    Breakers breakers(config, Reporter([](LogLevel, const std::string&, const LogFields&) {}));
    breakers.came_back({}, lost(JobResult::Kind::crashed, 2), now);
    now += 10s;
    const Filters probes = breakers.begin({0, 1, 2}, now);
    CHECK(probes == Filters{2});
    breakers.came_back(probes, answered({{0, 1, 1}}), now);
    CHECK(breakers.refuses(2, now));
    CHECK(breakers.begin({2}, now + Breaker::kNextProbe) == Filters{2});
}
