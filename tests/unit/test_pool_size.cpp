// How `workers` is written, and what the bounds of a pool's size are when one of them, or none, is.
#include "config/pool_size.h"
#include "config/yaml_loader.h"

#include <doctest/doctest.h>

using namespace pythonfilter;

namespace {

void check_size(std::optional<int> min, std::optional<int> max, int wanted_min, int wanted_max) {
    const PoolSize size = pool_size({.min = min, .max = max});
    CHECK(size.min == wanted_min);
    CHECK(size.max == wanted_max);
    CHECK(size.idle == 1min);
}

std::string in_pool(const std::string& workers) { return "pools: {default: {workers: " + workers + "}}"; }

void check_written(const std::string& text, int min, int max, Duration idle) {
    const auto config = load_yaml(in_pool(text), "f.yaml");
    REQUIRE(config);
    const PoolSize size = pool_size(config->pools.at("default").workers);
    CHECK(size.min == min);
    CHECK(size.max == max);
    CHECK(size.idle == idle);
}

void check_error(const std::string& text, const std::string& wanted) {
    const auto config = load_yaml(in_pool(text), "f.yaml");
    REQUIRE_FALSE(config);
    CHECK(config.error().text == wanted);
}

}  // namespace

TEST_CASE("pool size: workers are a number, or a mapping with bounds") {
    check_written("5", 5, 5, 1min);
    check_written("{max: 5}", 2, 5, 1min);
    check_written("{min: 5, max: 6, idle: 10s}", 5, 6, 10s);
    check_written("{}", 2, 8, 1min);
}

TEST_CASE("pool size: what is no such thing has its error once, at its place") {
    const std::string number = "f.yaml:1:28: pools.default.workers: expected a whole number from 1 to 1000";
    check_error("many", number + ", found `many`");
    check_error("'5'", number + ", found `5` in quotes");
    check_error("[5]", number + ", or a mapping with the keys min, max, idle, found a list");
    check_error("{min: 0}",
                "f.yaml:1:34: pools.default.workers.min: expected a whole number from 1 to 1000, found `0`");
    check_error("{min: 3, max: 2}", "f.yaml:1:34: `min` is greater than `max`");
    check_error("{number: 2}",
                "f.yaml:1:29: unknown key `number` in pools.default.workers; known keys: min, max, idle");
}

TEST_CASE("pool size: what is written holds") {
    check_size(3, 5, 3, 5);
    check_size(1, 1, 1, 1);
}

TEST_CASE("pool size: what is not written makes room for what is") {
    check_size(std::nullopt, std::nullopt, 2, 8);
    check_size(1, std::nullopt, 1, 8);
    check_size(20, std::nullopt, 20, 20);
    check_size(std::nullopt, 20, 2, 20);
    check_size(std::nullopt, 1, 1, 1);
}
