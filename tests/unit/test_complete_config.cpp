// complete_config(): keys checked against each other, and the effective values of each filter.
#include "config/complete_config.h"
#include "yaml_text.h"

#include <doctest/doctest.h>
#include <string>
#include <vector>

using namespace pythonfilter;

namespace {

std::vector<std::string> warnings_of(std::string_view text) { return loaded(text).warnings; }
using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("policy: the nearest level that says something wins, for each event") {
    using Key = std::optional<FailureAction> FailureKeys::*;
    const std::pair<Key, FailureAction FailurePolicy::*> events[] = {
        {&FailureKeys::on_error, &FailurePolicy::on_error},
        {&FailureKeys::on_timeout, &FailurePolicy::on_timeout},
        {&FailureKeys::on_crash, &FailurePolicy::on_crash},
        {&FailureKeys::on_bad_reply, &FailurePolicy::on_bad_reply},
        {&FailureKeys::on_unavailable, &FailurePolicy::on_unavailable},
    };
    const std::optional<FailureAction> says[] = {std::nullopt, FailureAction::skip, FailureAction::defer,
                                                 FailureAction::reject};
    for (const auto& [key, effective] : events) {
        for (const auto filter : says) for (const auto pool : says) for (const auto top : says) {
            FailureKeys levels[3];
            levels[0].*key = filter;
            levels[1].*key = pool;
            levels[2].*key = top;
            FailurePolicy expected;
            expected.*effective = filter.value_or(pool.value_or(top.value_or(FailureAction::defer)));
            const FailurePolicy policy = effective_policy(levels[0], levels[1], levels[2]);
            for (const auto& event : events) CHECK(policy.*event.second == expected.*event.second);
        }
    }
}

TEST_CASE("policy: from a file, level by level") {
    const Config config = loaded("failure: {on_error: skip, on_crash: reject}\n"
                                 "pools: {p: {failure: {on_error: reject, on_timeout: skip}}}\n"
                                 "filters:\n"
                                 "- a\n"
                                 "- {filter: b, pool: p}\n"
                                 "- {filter: c, pool: p, failure: {on_error: defer}}\n");
    CHECK(config.filters[0].policy.on_error == FailureAction::skip);
    CHECK(config.filters[0].policy.on_timeout == FailureAction::defer);
    CHECK(config.filters[1].policy.on_error == FailureAction::reject);
    CHECK(config.filters[1].policy.on_timeout == FailureAction::skip);
    CHECK(config.filters[2].policy.on_error == FailureAction::defer);
    CHECK(config.filters[2].policy.on_timeout == FailureAction::skip);
    for (const FilterConfig& filter : config.filters) {
        CHECK(filter.policy.on_crash == FailureAction::reject);
        CHECK_FALSE(filter.policy.legacy);
    }
}

TEST_CASE("timeouts: a filter's own, else its pool's") {
    const Config config = loaded("pools: {default: {timeout: 7s}, p: {timeout: 8s}}\n"
                                 "filters: [a, {filter: b, pool: p}, {filter: c, pool: p, timeout: 9s}]");
    CHECK(config.filters[0].effective_timeout == 7s);
    CHECK(config.filters[1].effective_timeout == 8s);
    CHECK(config.filters[2].effective_timeout == 9s);
}

TEST_CASE("timeouts: one that the message's own time cuts off is warned about") {
    CHECK(warnings_of("server: {message_timeout: 30s}\n"
                      "pools: {default: {timeout: 31s}, p: {timeout: 30s}}\n"
                      "filters: [{filter: a, timeout: 1min}, {filter: b, pool: p}]") ==
          Lines{"f.yaml:2:28: a timeout of 31s is never reached: a message has 30s in all",
                "f.yaml:3:32: a timeout of 1min is never reached: a message has 30s in all"});
}

TEST_CASE("pools: a filter that names an unknown one is an error with the nearest known") {
    CHECK(error_of("pools: {scanners: {}}\nfilters: [{filter: x, pool: scanners}, {filter: a, pool: scaners}]") ==
          "f.yaml:2:58: the pool `scaners` is not defined under `pools`; did you mean `scanners`?");
    CHECK(error_of("filters:\n- filter: a\n  pool: other") ==
          "f.yaml:3:9: the pool `other` is not defined under `pools`");
}

TEST_CASE("pools: one that no filter uses is warned about, but never `default`") {
    CHECK(warnings_of("pools:\n  default: {}\n  idle: {}\nfilters: [a]") ==
          Lines{"f.yaml:3:3: no filter uses the pool `idle`"});
    CHECK(warnings_of("pools: {p: {}}\nfilters: [{filter: a, pool: p}]") == Lines{});
}

TEST_CASE("chain: the same filter twice in one pool is an error, in two pools it is not") {
    CHECK(error_of("filters:\n- a\n- b\n- filter: a") ==
          "f.yaml:4:11: the filter `a` is in the pool `default` already, in line 2; both would share their globals: "
          "give one of them another pool");
    CHECK(loaded("pools: {p: {}}\nfilters: [a, {filter: a, pool: p}]").filters.size() == 2);
}

TEST_CASE("chain: a `for` that can bypass nothing is warned about") {
    CHECK(warnings_of("filters: [a, {filter: b, for: [a, c, d, b, greylits]}, c, greylist]") ==
          Lines{"f.yaml:1:32: the filter `a` does not come after `b`, which cannot bypass it",
                "f.yaml:1:38: the filter `d` is not in the chain",
                "f.yaml:1:41: the filter `b` does not come after `b`, which cannot bypass it",
                "f.yaml:1:44: the filter `greylits` is not in the chain; did you mean `greylist`?"});
}

TEST_CASE("chain: an empty `for` is kept, and means none") {
    CHECK(loaded("filters: [{filter: a, for: []}]").filters[0].bypass == Lines{});
    CHECK(warnings_of("filters: [{filter: a, for: []}]") == Lines{});
}

TEST_CASE("control: the sockets are in no directory of Courier's filter sockets") {
    const std::string courier = "courier: {localstatedir: /v}\nfilters: [a]\n";
    for (const char* directory : {"/v/allfilters", "/v/filters", "/v//filters/", "/v/x/../allfilters"}) {
        const std::string text = courier + "server: {control: {directory: " + directory + "}}\n";
        CHECK(error_of(text) == "f.yaml:3:31: server.control.directory: expected another directory than those of "
                                "Courier's filter sockets: Courier would ask the control socket about each message");
    }
    const Config config = loaded(courier + "server: {control: {directory: /run/courier, monitors: [zabbix]}}\n");
    CHECK(config.control_socket() == "/run/courier/" + config.instance + ".control");
    CHECK(loaded(courier).monitor_socket().starts_with("/v/"));
}

TEST_CASE("complete: a status page that other hosts reach must be allowed to be reached") {
    CHECK(loaded("filters: [a]\nserver: {status_page: 127.0.0.1:9780}").server.status_page.listen == "127.0.0.1:9780");
    const Config open = loaded("filters: [a]\nserver: {status_page: {listen: 0.0.0.0:9780, anywhere: true}}");
    CHECK(open.server.status_page.anywhere);
    CHECK(error_of("filters: [a]\nserver: {status_page: 0.0.0.0:9780}") ==
          "f.yaml:2:23: server.status_page.listen: expected a loopback address, such as 127.0.0.1:9780, or a path; "
          "other hosts reach `0.0.0.0:9780`, which is possible with `anywhere: true`");
    CHECK(error_of("filters: [a]\nserver: {status_page: localhost}") ==
          "f.yaml:2:23: server.status_page: expected an address and a port (127.0.0.1:9780, [::1]:9780), or a path "
          "from / on, found `localhost`");
    CHECK(error_of("filters: [a]\ncourier: {localstatedir: /v}\nserver: {status_page: /v/filters/page}") ==
          "f.yaml:3:23: server.status_page.listen: expected a path in another directory than those of Courier's filter "
          "sockets");
}
