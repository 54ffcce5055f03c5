// Route and ChainWalk: which filters one dispatch asks for, and what comes after success, failure and death. The chain
// of a test is written as text, one filter a word: "name", "name@pool", "name=a,b" for one with a `for` list.
#include "message/route.h"

#include "message/reply.h"

#include <doctest/doctest.h>
#include <sstream>

using namespace pythonfilter;

namespace {

using Indexes = std::vector<std::uint32_t>;

std::vector<std::string> split(const std::string& text, char separator) {
    std::vector<std::string> words;
    std::istringstream in(text);
    for (std::string word; std::getline(in, word, separator);) {
        if (!word.empty()) words.push_back(word);
    }
    return words;
}

Config config_of(const std::string& chain) {
    Config config;
    for (std::string word : split(chain, ' ')) {
        FilterConfig filter;
        if (const auto equals = word.find('='); equals != std::string::npos) {
            filter.bypass = split(word.substr(equals + 1), ',');
            word.resize(equals);
        }
        if (const auto at = word.find('@'); at != std::string::npos) {
            filter.pool.name = word.substr(at + 1);
            word.resize(at);
        }
        filter.filter = word;
        config.filters.push_back(filter);
    }
    return config;
}

Route route_of(const std::string& chain) { return compile_route(config_of(chain)); }

// All filters of the chain get this policy.
Route route_of(const std::string& chain, FailureAction action) {
    Config config = config_of(chain);
    for (auto& filter : config.filters) filter.policy = FailurePolicy{action, action, action, action, action};
    return compile_route(config);
}

Indexes next_filters(const ChainWalk& walk) {
    const auto dispatch = walk.next();
    return dispatch ? dispatch->filters : Indexes{};
}

// A worker finishes the next dispatch with this state.
void finish_next(ChainWalk& walk, const ChainState& state = {}, const Identity& identity = {}) {
    walk.finished(walk.next().value(), state, identity);
}

Progress progress_of(std::uint32_t finished, ChainState state, Identity identity) {
    Progress progress;
    progress.finished = finished;
    progress.state = std::move(state);
    progress.identity = identity;
    return progress;
}

}  // namespace

TEST_CASE("route: the chain keeps its order, pools are numbered by first use") {
    Config config = config_of("a b@scanners c d@scanners");
    config.filters[1].effective_timeout = 20s;
    config.filters[1].policy.on_crash = FailureAction::reject;
    const Route route = compile_route(config);
    REQUIRE(route.filters.size() == 4);
    CHECK(route.pools == std::vector<std::string>{"default", "scanners"});
    CHECK(route.filters[0].name == "a");
    CHECK(route.filters[1].pool == 1);
    CHECK(route.filters[2].pool == 0);
    CHECK(route.filters[3].pool == 1);
    CHECK(route.filters[1].timeout == 20s);
    CHECK(route.filters[0].timeout == 60s);
    CHECK(route.filters[1].policy.on_crash == FailureAction::reject);
}

TEST_CASE("route: a `for` list becomes chain indexes, of a name that stands twice both") {
    const Route route = route_of("w=b,c a b c b");
    REQUIRE(route.filters[0].bypasses);
    CHECK(*route.filters[0].bypasses == Indexes{2, 3, 4});
    CHECK_FALSE(route.filters[1].bypasses);
}

TEST_CASE("route: a `for` list of nobody in the chain is still one, an empty list is none") {
    Config config = config_of("w=elsewhere a");
    config.filters[1].bypass = std::vector<std::string>{};
    const Route route = compile_route(config);
    REQUIRE(route.filters[0].bypasses);
    CHECK(route.filters[0].bypasses->empty());
    CHECK_FALSE(route.filters[1].bypasses);
}

TEST_CASE("route: a zygote is told of its own filters only, with their chain indexes") {
    Config config = config_of("a w@other=a,c c b@other");
    config.filters[1].policy.on_timeout = FailureAction::skip;
    config.filters[3].policy.legacy = true;
    const auto specs = filter_specs(compile_route(config), 1);
    REQUIRE(specs.size() == 2);
    CHECK(specs[0].index == 1);
    CHECK(specs[0].name == "w");
    CHECK(specs[0].has_bypass);
    CHECK(specs[0].bypasses == Indexes{0, 2});
    CHECK(specs[0].skips(FailureEvent::timeout));
    CHECK_FALSE(specs[0].skips(FailureEvent::exception));
    CHECK(specs[1].index == 3);
    CHECK_FALSE(specs[1].has_bypass);
    CHECK(specs[1].skips(FailureEvent::exception));
    CHECK(specs[1].skips(FailureEvent::not_a_string));
    CHECK_FALSE(specs[1].skips(FailureEvent::exit));
}

TEST_CASE("walk: neighbours of one pool are one dispatch") {
    const Route route = route_of("a b c@p d@p e");
    ChainWalk walk(route);
    CHECK(next_filters(walk) == Indexes{0, 1});
    CHECK(walk.next()->pool == 0);
    CHECK_FALSE(walk.expected());
    finish_next(walk);
    CHECK(next_filters(walk) == Indexes{2, 3});
    CHECK(walk.next()->pool == 1);
    finish_next(walk);
    CHECK(next_filters(walk) == Indexes{4});
    finish_next(walk);
    CHECK_FALSE(walk.next());
    CHECK(walk.final_reply() == "200 Ok\n");
}

TEST_CASE("walk: an empty chain accepts") {
    const Route route = route_of("");
    const ChainWalk walk(route);
    CHECK_FALSE(walk.next());
    CHECK(walk.final_reply() == "200 Ok\n");
}

TEST_CASE("walk: asking for the next dispatch changes nothing") {
    const Route route = route_of("a b@p");
    const ChainWalk walk(route);
    CHECK(next_filters(walk) == Indexes{0});
    CHECK(next_filters(walk) == Indexes{0});
}

TEST_CASE("walk: the next stage expects the files that the last one left") {
    const Route route = route_of("a b@p");
    ChainWalk walk(route);
    finish_next(walk, {"250 kept", {}}, Identity{{7, 8}});
    CHECK(walk.expected() == Identity{{7, 8}});
    CHECK(walk.state().pending_reply == "250 kept");
}

TEST_CASE("walk: a pending accept is the reply at the end of the chain") {
    const Route route = route_of("w=b a");
    ChainWalk walk(route);
    finish_next(walk, {"250 whitelisted", {}});
    CHECK_FALSE(walk.next());
    CHECK(walk.final_reply() == "250 whitelisted\n");
}

TEST_CASE("walk: a pending reply that is none at all is not an accept") {
    const Route route = route_of("a");
    ChainWalk walk(route);
    finish_next(walk, {"hello", {}});
    CHECK(walk.final_reply() == replies::filter_defer());
}

TEST_CASE("walk: bypassed filters of later stages are left out") {
    const Route route = route_of("w=b,c b@p c@p d@p");
    ChainWalk walk(route);
    finish_next(walk, {"200 Ok", {1, 2}});
    CHECK(next_filters(walk) == Indexes{3});
}

TEST_CASE("walk: a stage whose filters are all bypassed is no dispatch, and the stages around it become one") {
    const Route route = route_of("w@z=b a b@p c");
    ChainWalk walk(route);
    finish_next(walk, {"200 Ok", {2}});
    CHECK(next_filters(walk) == Indexes{1, 3});
    finish_next(walk, {"", {2}});
    CHECK_FALSE(walk.next());
}

TEST_CASE("walk: when everything left is bypassed the pending accept is final") {
    const Route route = route_of("w=b,c b@p c@q");
    ChainWalk walk(route);
    finish_next(walk, {"250 friend", {1, 2}});
    CHECK_FALSE(walk.next());
    CHECK(walk.final_reply() == "250 friend\n");
}

TEST_CASE("walk: progress moves on behind the filter that finished, in the middle of a stage") {
    const Route route = route_of("a b c d@p");
    ChainWalk walk(route);
    walk.progressed(progress_of(1, {"250 so far", {3}}, Identity{{1, 2}}));
    CHECK(next_filters(walk) == Indexes{2});
    CHECK(walk.expected() == Identity{{1, 2}});
    CHECK(walk.state().pending_reply == "250 so far");
    finish_next(walk, {"", {3}});
    CHECK_FALSE(walk.next());
}

TEST_CASE("walk: a worker that dies in b is resumed behind b when the policy is skip") {
    const Route route = route_of("a b c", FailureAction::skip);
    ChainWalk walk(route);
    walk.progressed(progress_of(0, {"250 by a", {}}, Identity{{5, 5}}));
    CHECK(walk.failed(1, FailureEvent::crash));
    CHECK(next_filters(walk) == Indexes{2});
    CHECK(walk.expected() == Identity{{5, 5}});
    CHECK(walk.state().pending_reply == "");  // as if b had returned ''
}

TEST_CASE("walk: a skip keeps what earlier filters switched off") {
    const Route route = route_of("w=c b c d", FailureAction::skip);
    ChainWalk walk(route);
    walk.progressed(progress_of(0, {"250 by w", {2}}, Identity{}));
    CHECK(walk.failed(1, FailureEvent::timeout));
    CHECK(next_filters(walk) == Indexes{3});
}

TEST_CASE("walk: a skip of the last filter ends the chain with an accept") {
    const Route route = route_of("a", FailureAction::skip);
    ChainWalk walk(route);
    CHECK(walk.failed(0, FailureEvent::unavailable));
    CHECK_FALSE(walk.next());
    CHECK(walk.final_reply() == "200 Ok\n");
}

TEST_CASE("walk: without progress the files must be what they were when the stage began") {
    const Route route = route_of("a b", FailureAction::skip);
    ChainWalk walk(route);
    walk.began_with(Identity{{3, 4}});
    CHECK(walk.failed(0, FailureEvent::crash));
    CHECK(walk.expected() == Identity{{3, 4}});
    CHECK(next_filters(walk) == Indexes{1});
}

TEST_CASE("walk: a dispatch ends before a refused filter, and goes on behind it when the policy is skip") {
    const Route route = route_of("a b c", FailureAction::skip);
    const ChainWalk::Refuses refuses = [](std::uint32_t filter) { return filter == 1; };
    ChainWalk walk(route);
    CHECK(walk.next(refuses)->filters == Indexes{0});
    CHECK_FALSE(walk.next(refuses)->refused);
    walk.finished(*walk.next(refuses), {"250 by a", {}}, Identity{{1, 2}});
    CHECK(walk.next(refuses)->filters == Indexes{1});
    CHECK(walk.next(refuses)->refused);
    CHECK(walk.failed(1, FailureEvent::unavailable));
    CHECK(walk.next(refuses)->filters == Indexes{2});
    CHECK_FALSE(walk.next(refuses)->refused);
    CHECK(walk.state().pending_reply == "");  // as if b had returned ''
    CHECK(walk.expected() == Identity{{1, 2}});
}

TEST_CASE("walk: a refused filter that is bypassed costs nothing, not even a policy") {
    const Route route = route_of("w=b b c", FailureAction::defer);
    const ChainWalk::Refuses refuses = [](std::uint32_t filter) { return filter == 1; };
    ChainWalk walk(route);
    walk.finished(*walk.next(refuses), {"250 friend", {1}}, Identity{});
    CHECK(walk.next(refuses)->filters == Indexes{2});
    CHECK_FALSE(walk.next(refuses)->refused);
}

TEST_CASE("walk: two refused filters are two dispatches, of any pool") {
    const Route route = route_of("a b@p", FailureAction::skip);
    const ChainWalk::Refuses refuses = [](std::uint32_t) { return true; };
    ChainWalk walk(route);
    CHECK(walk.next(refuses)->filters == Indexes{0});
    CHECK(walk.failed(0, FailureEvent::unavailable));
    CHECK(walk.next(refuses)->filters == Indexes{1});
    CHECK(walk.next(refuses)->pool == 1);
    CHECK(walk.failed(1, FailureEvent::unavailable));
    CHECK_FALSE(walk.next(refuses));
}

TEST_CASE("walk: defer and reject end the chain with our own answer") {
    const Route deferring = route_of("a b", FailureAction::defer);
    ChainWalk defer_walk(deferring);
    CHECK_FALSE(defer_walk.failed(0, FailureEvent::timeout));
    CHECK(defer_walk.failure_reply() == replies::filter_defer());
    const Route rejecting = route_of("a b", FailureAction::reject);
    ChainWalk reject_walk(rejecting);
    CHECK_FALSE(reject_walk.failed(1, FailureEvent::crash));
    CHECK(reject_walk.failure_reply() == replies::filter_reject());
}

TEST_CASE("walk: each filter fails by its own policy, each event by its own key") {
    Config config = config_of("a b");
    config.filters[0].policy.on_timeout = FailureAction::skip;
    config.filters[1].policy.on_timeout = FailureAction::reject;
    const Route route = compile_route(config);
    ChainWalk walk(route);
    CHECK(walk.failed(0, FailureEvent::timeout));
    CHECK_FALSE(walk.failed(1, FailureEvent::timeout));
    CHECK(walk.failure_reply() == replies::filter_reject());
    ChainWalk other(route);
    CHECK_FALSE(other.failed(0, FailureEvent::crash));
    CHECK(other.failure_reply() == replies::filter_defer());
}
