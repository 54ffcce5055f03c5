// Breaker: what opens it, what one message out of many decides while it is open, and how long the pauses are.
#include "master/breaker.h"

#include <doctest/doctest.h>
#include <vector>

using namespace pythonfilter;

namespace {

using State = Breaker::State;

struct Clockwork {
    TimePoint now{1000s};
    std::vector<std::string> log;
    Breaker breaker{{3, 60s, 10s}, [this](State before, State after, const std::string& why) {
                        log.push_back(std::string(to_string(before)) + " -> " + std::string(to_string(after)) + ": " +
                                      why);
                    }};

    void fail(bool probe = false) { breaker.failed(probe, "timeout", now); }
    void open() {
        for (int i = 0; i < 3; ++i) fail();
        REQUIRE(breaker.state() == State::open);
    }
    // How long it refuses from now on; the clock stands at the end of that.
    Duration pause() {
        const TimePoint begin = now;
        while (breaker.refuses(now)) now += 1s;
        return now - begin;
    }
};

}  // namespace

TEST_CASE_FIXTURE(Clockwork, "breaker: failures in a row open it, and it says how many and what the last one was") {
    fail();
    fail();
    CHECK_FALSE(breaker.refuses(now));
    breaker.failed(false, "crash", now);
    CHECK(breaker.refuses(now));
    CHECK(log == std::vector<std::string>{
                     "closed -> open: 3 failures in a row, the last one a crash; next try in 10s"});
}

TEST_CASE_FIXTURE(Clockwork, "breaker: a message that the filter comes through begins the count anew") {
    for (int i = 0; i < 10; ++i) {
        fail();
        fail();
        breaker.succeeded(false);
    }
    CHECK(breaker.state() == State::closed);
    CHECK(log.empty());
}

TEST_CASE_FIXTURE(Clockwork, "breaker: failures further apart than the window do not count together") {
    for (int i = 0; i < 10; ++i) {
        fail();
        now += 31s;
    }
    CHECK(breaker.state() == State::closed);
    now -= 31s;
    fail();
    CHECK(breaker.state() == State::open);
}

TEST_CASE_FIXTURE(Clockwork, "breaker: with a threshold of 0 it never opens") {
    Breaker off({0, 60s, 10s}, [](State, State, const std::string&) {});
    for (int i = 0; i < 1000; ++i) off.failed(false, "crash", now);
    CHECK_FALSE(off.refuses(now));
}

TEST_CASE_FIXTURE(Clockwork, "breaker: after the pause one message is the probe, and until it is back no other") {
    open();
    CHECK_FALSE(breaker.begin(now));
    CHECK(pause() == 10s);
    CHECK(breaker.begin(now));
    CHECK(breaker.refuses(now));
    CHECK_FALSE(breaker.begin(now));
    CHECK(breaker.refuses(now + 24h));
}

TEST_CASE_FIXTURE(Clockwork, "breaker: a probe that comes through closes it, and the count begins anew") {
    open();
    pause();
    REQUIRE(breaker.begin(now));
    breaker.succeeded(true);
    CHECK_FALSE(breaker.refuses(now));
    CHECK_FALSE(breaker.begin(now));
    fail();
    fail();
    CHECK(breaker.state() == State::closed);
    CHECK(log.back() == "probing -> closed: the filter came through a message");
}

TEST_CASE_FIXTURE(Clockwork, "breaker: each probe that fails doubles the pause up to the bound, a close resets it") {
    open();
    Duration expected = 10s;
    for (int i = 0; i < 10; ++i) {
        CHECK(pause() == expected);
        REQUIRE(breaker.begin(now));
        fail(true);
        expected = std::min(2 * expected, Breaker::kLongestPause);
    }
    CHECK(expected == Breaker::kLongestPause);
    pause();
    REQUIRE(breaker.begin(now));
    breaker.succeeded(true);
    open();
    CHECK(pause() == 10s);
}

TEST_CASE("breaker: a configured pause beyond the bound is kept") {
    TimePoint now{1000s};
    Breaker breaker({1, 60s, 1h}, [](State, State, const std::string&) {});
    breaker.failed(false, "crash", now);
    now += 1h;
    REQUIRE(breaker.begin(now));
    breaker.failed(true, "crash", now);
    CHECK(breaker.refuses(now + 1h - 1s));
    CHECK_FALSE(breaker.refuses(now + 1h));
}

TEST_CASE_FIXTURE(Clockwork, "breaker: a probe that never reached the filter says nothing, and another follows soon") {
    open();
    pause();
    REQUIRE(breaker.begin(now));
    breaker.not_reached(now);
    CHECK(breaker.refuses(now));
    CHECK(pause() == Breaker::kNextProbe);
    REQUIRE(breaker.begin(now));
    fail(true);
    CHECK(pause() == 20s);
}

TEST_CASE_FIXTURE(Clockwork, "breaker: messages given to the filter before it opened decide nothing") {
    open();
    const auto changes = log.size();
    breaker.succeeded(false);
    fail();
    CHECK(breaker.state() == State::open);
    CHECK(pause() == 10s);
    REQUIRE(breaker.begin(now));
    breaker.succeeded(false);
    fail();
    CHECK(breaker.state() == State::probing);
    CHECK(log.size() == changes + 1);
}
