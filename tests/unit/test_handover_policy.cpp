// HandoverPolicy: every step with every event, and which pools are in each other's way.
#include "config/yaml_loader.h"
#include "master/handover_policy.h"

#include <doctest/doctest.h>
#include <initializer_list>

using namespace pythonfilter;

namespace {

using Step = HandoverPolicy::Step;
using Event = HandoverPolicy::Event;
using Action = HandoverPolicy::Action;

constexpr Event kAll[] = {Event::quiet, Event::late, Event::gone, Event::ready, Event::failed};

HandoverPolicy after(std::initializer_list<Event> events) {
    HandoverPolicy policy;
    for (const Event event : events) policy.on(event);
    return policy;
}

// That in this step these events are all that count.
void check_step(const HandoverPolicy& policy, std::initializer_list<std::pair<Event, Action>> expected) {
    for (const Event event : kAll) {
        HandoverPolicy next = policy;
        Action action = Action::none;
        for (const auto& [which, what] : expected) {
            if (which == event) action = what;
        }
        CAPTURE(static_cast<int>(event));
        CHECK(next.on(event) == action);
        CHECK((next.step() == policy.step()) == (action == Action::none));
    }
}

Config config_of(const std::string& pools, const std::string& filters) {
    auto config = load_yaml("pools: {" + pools + "}\nfilters: [" + filters + "]", "f.yaml");
    REQUIRE(config);
    return *config;
}

using Names = std::set<std::string>;

}  // namespace

TEST_CASE("handover: the old pools end when no message is in work, the new ones start when nothing is left of them") {
    HandoverPolicy policy;
    CHECK(policy.step() == Step::waiting);
    CHECK(policy.on(Event::quiet) == Action::stop_old);
    CHECK(policy.on(Event::gone) == Action::start_next);
    CHECK(policy.on(Event::ready) == Action::take_over);
    CHECK(policy.step() == Step::over);
}

TEST_CASE("handover: every event in every step") {
    check_step(after({}), {{Event::quiet, Action::stop_old}, {Event::late, Action::stop_old}});
    check_step(after({Event::quiet}), {{Event::gone, Action::start_next}, {Event::late, Action::kill_old}});
    check_step(after({Event::quiet, Event::late}), {{Event::gone, Action::start_next}, {Event::late, Action::restore}});
    check_step(after({Event::quiet, Event::gone}),
               {{Event::ready, Action::take_over}, {Event::failed, Action::restore}});
    check_step(after({Event::quiet, Event::gone, Event::ready}), {});
    check_step(after({Event::quiet, Event::gone, Event::failed}), {});
    check_step(after({Event::late, Event::late, Event::late}), {});
}

TEST_CASE("handover: whatever happens, what is new never starts before the old is gone") {
    // All sequences of six events: an enumeration of 5^6 cases.
    for (int number = 0; number < 15625; ++number) {
        HandoverPolicy policy;
        bool gone_since_stop = false, stopped = false;
        for (int left = number, i = 0; i < 6; ++i, left /= 5) {
            const Event event = kAll[left % 5];
            const Action action = policy.on(event);
            if (action == Action::stop_old) stopped = true;
            if (stopped && event == Event::gone) gone_since_stop = true;
            if (action == Action::start_next) CHECK((stopped && gone_since_stop));
            if (action == Action::take_over) CHECK(gone_since_stop);
        }
    }
}

TEST_CASE("handover: each step in which others are waited for has a limit, together well below a message's time") {
    CHECK(after({}).limit() == HandoverPolicy::kFinishLimit);
    CHECK(after({Event::quiet}).limit() == HandoverPolicy::kEndLimit);
    CHECK(after({Event::quiet, Event::late}).limit() == HandoverPolicy::kKillLimit);
    CHECK(after({Event::quiet, Event::gone}).limit() == Duration::zero());
    CHECK(HandoverPolicy::kFinishLimit + HandoverPolicy::kEndLimit + HandoverPolicy::kKillLimit <=
          ServerConfig{}.message_timeout / 4);
}

TEST_CASE("exclusive pools: those of both generations are in each other's way, whatever their filters") {
    const Config one = config_of("x: {exclusive: true}, p: {}", "a, {filter: b, pool: x}, {filter: c, pool: p}");
    const Config two = config_of("", "a, {filter: d, pool: {exclusive: true}}");
    const ExclusivePools pools = exclusive_pools(one, two);
    CHECK(pools.old == Names{"x"});
    CHECK(pools.next == Names{"d"});
    CHECK(exclusive_pools(one, one).old == Names{"x"});
    CHECK(exclusive_pools(one, one).next == Names{"x"});
}

TEST_CASE("exclusive pools: a filter that comes from or goes to another pool takes that pool along") {
    const Config plain = config_of("p: {}", "a, {filter: b, pool: p}");
    const Config alone = config_of("p: {}", "{filter: a, pool: {exclusive: true}}, {filter: b, pool: p}");
    CHECK(exclusive_pools(plain, alone).old == Names{"default"});
    CHECK(exclusive_pools(plain, alone).next == Names{"a"});
    CHECK(exclusive_pools(alone, plain).old == Names{"a"});
    CHECK(exclusive_pools(alone, plain).next == Names{"default"});
}

TEST_CASE("exclusive pools: where nothing is in the way, nobody waits") {
    const Config plain = config_of("", "a");
    const Config added = config_of("", "a, {filter: b, pool: {exclusive: true}}");
    const Config unused = config_of("x: {exclusive: true}", "a");
    for (const auto& [old, next] : {std::pair{plain, plain}, {plain, added}, {added, plain}, {unused, added}}) {
        CHECK(exclusive_pools(old, next).old.empty());
        CHECK(exclusive_pools(old, next).next.empty());
    }
}
