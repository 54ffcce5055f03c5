#include "master/router_counters.h"
#include "message/metrics.h"

#include <doctest/doctest.h>
#include <set>
#include <string>

using namespace pythonfilter;

namespace {

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::string rows(const std::string& text, const std::string& name) {
    std::string found;
    for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) {
        if (text.compare(at, name.size(), name) == 0) found += text.substr(at, text.find('\n', at) + 1 - at);
    }
    return found;
}

ServerSnapshot snapshot_of_two_generations() {
    ServerSnapshot snapshot;
    snapshot.status.generation = 2;
    snapshot.status.state = "serving";
    PoolStatus pool;
    pool.name = "default";
    pool.generation = 2;
    pool.state = "serving";
    pool.workers_wanted = 2;
    pool.waiting = 1;
    pool.workers.resize(2);
    pool.workers[0].state = "busy";
    pool.workers[1].state = "idle";
    pool.workers[0].rss_bytes = 1000;
    PoolStatus old = pool;
    old.generation = 1;
    old.state = "stopping";
    old.workers.resize(1);
    snapshot.status.pools = {pool, old};
    return snapshot;
}

}  // namespace

TEST_CASE("metrics: every row has a name of its own that says its unit, and a paragraph") {
    std::set<std::string> names;
    for (const Metric& metric : metrics()) {
        const std::string name(metric.name);
        CAPTURE(name);
        CHECK(names.insert(name).second);
        CHECK(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == std::string::npos);
        CHECK(!name.ends_with("_total"));
        for (const std::string unit : {"seconds", "bytes"}) CHECK(name.ends_with("_" + unit) == (metric.unit == unit));
        CHECK(metric.help.ends_with("."));
        CHECK(!has(std::string(metric.help), "\n"));
    }
    CHECK(metrics().front().name == "up");
}

TEST_CASE("metrics: the formats differ in the counter's family, the unit and the end") {
    ServerSnapshot snapshot;
    snapshot.stats.accepted = 7;
    const std::string open = metrics_text(snapshot, MetricsFormat::openmetrics);
    CHECK(has(open, "# TYPE pythonfilter_messages counter\npythonfilter_messages_total{verdict=\"accept\"} 7\n"));
    CHECK(has(open, "# UNIT pythonfilter_message_duration_seconds seconds\n"));
    CHECK(open.ends_with("\n# EOF\n"));
    const std::string old = metrics_text(snapshot, MetricsFormat::prometheus);
    CHECK(has(old, "# TYPE pythonfilter_messages_total counter\npythonfilter_messages_total{verdict=\"accept\"} 7\n"));
    CHECK(!has(old, "# UNIT"));
    CHECK(!has(old, "# EOF"));
}

TEST_CASE("metrics: a pool that lives in two generations is counted once") {
    const std::string text = metrics_text(snapshot_of_two_generations(), MetricsFormat::prometheus);
    CHECK(rows(text, "pythonfilter_workers{") == "pythonfilter_workers{pool=\"default\",state=\"busy\"} 2\n"
                                                 "pythonfilter_workers{pool=\"default\",state=\"dying\"} 0\n"
                                                 "pythonfilter_workers{pool=\"default\",state=\"forking\"} 0\n"
                                                 "pythonfilter_workers{pool=\"default\",state=\"idle\"} 1\n"
                                                 "pythonfilter_workers{pool=\"default\",state=\"leaving\"} 0\n"
                                                 "pythonfilter_workers{pool=\"default\",state=\"starting\"} 0\n");
    CHECK(rows(text, "pythonfilter_pool_serving{") == "pythonfilter_pool_serving{pool=\"default\"} 1\n");
    CHECK(rows(text, "pythonfilter_pool_resident_memory_bytes{").ends_with("{pool=\"default\"} 2000\n"));
    CHECK(rows(text, "pythonfilter_pool_queue_length{") == "pythonfilter_pool_queue_length{pool=\"default\"} 2\n");
}

TEST_CASE("metrics: what stands in a label cannot leave it") {
    ServerSnapshot snapshot;
    snapshot.filters.resize(1);
    snapshot.filters[0].name = "a\"} 1\nb\\";
    const std::string text = metrics_text(snapshot, MetricsFormat::openmetrics);
    CHECK(rows(text, "pythonfilter_filter_cpu") ==
          "pythonfilter_filter_cpu_seconds_total{filter=\"a\\\"} 1\\nb\\\\\"} 0\n");
}

TEST_CASE("metrics: a histogram counts up, by bounds that double") {
    const auto bounds = latency_bounds();
    CHECK(bounds.front() == doctest::Approx(0.000256));
    CHECK(bounds.back() == doctest::Approx(268.435456));
    for (std::size_t i = 1; i < bounds.size(); ++i) CHECK(bounds[i] == doctest::Approx(2 * bounds[i - 1]));
    RouterCounters counters;
    for (const Duration taken : {Duration(1us), Duration(256us), Duration(257us), Duration(3s), Duration(500s)})
        counters.queue_wait["p"].add(taken);
    ServerSnapshot snapshot;
    counters.describe(snapshot.times);
    const std::string text = metrics_text(snapshot, MetricsFormat::openmetrics);
    const std::string name = "pythonfilter_queue_wait_seconds";
    CHECK(has(text, name + "_bucket{pool=\"p\",le=\"0.000256\"} 2\n"));
    CHECK(has(text, name + "_bucket{pool=\"p\",le=\"0.000512\"} 3\n"));
    CHECK(has(text, name + "_bucket{pool=\"p\",le=\"2.097152\"} 3\n"));
    CHECK(has(text, name + "_bucket{pool=\"p\",le=\"4.194304\"} 4\n"));
    CHECK(has(text, name + "_bucket{pool=\"p\",le=\"268.435456\"} 4\n"));
    CHECK(has(text, name + "_bucket{pool=\"p\",le=\"+Inf\"} 5\n"));
    CHECK(has(text, name + "_count{pool=\"p\"} 5\n"));
}

TEST_CASE("metrics: of a server that does not answer only that is told") {
    const std::string text = metrics_text_of_no_server(MetricsFormat::prometheus);
    CHECK(text.ends_with("\n# TYPE pythonfilter_up gauge\npythonfilter_up 0\n"));
    CHECK(metrics_text_of_no_server(MetricsFormat::openmetrics).ends_with("pythonfilter_up 0\n# EOF\n"));
}

TEST_CASE("metrics: answers of the server's own are counted by reason, also those that never came") {
    RouterCounters counters;
    counters.answered(OwnAnswer::queue_full);
    counters.answered(OwnAnswer::queue_full);
    ServerSnapshot snapshot;
    counters.describe(snapshot.stats);
    const std::string text = metrics_text(snapshot, MetricsFormat::openmetrics);
    CHECK(has(text, "pythonfilter_own_answers_total{reason=\"queue_full\"} 2\n"));
    for (const OwnAnswerRow& row : kOwnAnswers) CHECK(has(text, "{reason=\"" + std::string(row.name) + "\"}"));
    for (const OwnAnswerRow& row : kOwnAnswers)
        for (const Metric& metric : metrics())
            if (metric.name == "own_answers") CHECK(has(std::string(metric.help), std::string(row.name)));
}
