// LookPolicy: seldom under load, after each filter when nothing presses or somebody is sought.
#include "worker/look_policy.h"

#include <doctest/doctest.h>

using namespace pythonfilter;

namespace {

// Messages one after the other, each with one filter that runs for `wall`: how many looks are taken.
int looks(LookPolicy& policy, int messages, Duration pause, Duration wall) {
    int count = 0;
    for (int i = 0; i < messages; ++i) {
        policy.message_began(pause);
        if (!policy.filter_ran(wall, is_brief(wall))) continue;
        policy.looked();
        ++count;
    }
    return count;
}

}  // namespace

TEST_CASE("a worker that had time before a message looks after each of its filters") {
    LookPolicy policy;
    policy.message_began(5ms);
    CHECK(policy.filter_ran(1us, false));
    policy.looked();
    CHECK(policy.filter_ran(1us, false));
}

TEST_CASE("under load a filter that does nothing is looked at every hundred messages") {
    LookPolicy policy;
    CHECK(looks(policy, 99, 20us, 1us) == 0);
    CHECK(looks(policy, 1, 20us, 1us) == 1);
    CHECK(looks(policy, 1000, 20us, 1us) == 10);
}

TEST_CASE("a filter that works is looked at in proportion to its work") {
    LookPolicy policy;
    CHECK(looks(policy, 100, 20us, 10ms) == 100);
    CHECK(looks(policy, 100, 20us, 1ms) == 10);
}

TEST_CASE("when it is not clear who it was, each filter gets its look for a hundred messages") {
    LookPolicy policy;
    policy.message_began(0us);
    policy.watch();
    CHECK(looks(policy, 99, 0us, 1us) == 99);
    CHECK(looks(policy, 50, 0us, 1us) == 0);
}

TEST_CASE("messages of filters that had no time for anything count as a tenth") {
    LookPolicy policy;
    CHECK(looks(policy, 990, 20us, 100ns) == 0);
    CHECK(looks(policy, 1, 20us, 100ns) == 1);
    CHECK(looks(policy, 50, 20us, 1us) == 0);
    CHECK(looks(policy, 490, 20us, 100ns) == 0);
    CHECK(looks(policy, 1, 20us, 100ns) == 1);
}

TEST_CASE("the kernel is asked after a message whose filters had the time to do anything, and after ten others") {
    LookPolicy policy;
    const auto asks = [&policy](Duration first, Duration second) {
        policy.message_began(20us);
        policy.filter_ran(first, is_brief(first));
        policy.filter_ran(second, is_brief(second));
        return policy.asks();
    };
    CHECK(asks(400ns, 600ns));
    CHECK_FALSE(policy.brief());
    CHECK(policy.asked() == 1);
    for (int i = 1; i < 10; ++i) CHECK_FALSE(asks(100ns, 400ns));
    CHECK(policy.brief());
    CHECK(asks(100ns, 400ns));
    CHECK(policy.asked() == 10);
    CHECK_FALSE(asks(100ns, 400ns));
    CHECK(asks(600ns, 100ns));
    CHECK(policy.asked() == 1);  // what grew is this one's, in one step
}
