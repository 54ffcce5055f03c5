// The metrics: ONE table with name, kind, unit, labels and paragraph, and where each number comes from. The text for a
// monitoring system and the manual page are made of it, and the tests go through it. Pure.
//
// Two formats, because programs differ in what they read. They differ in where a counter's `_total` stands, in UNIT and
// in the end mark.
#pragma once

#include "message/server_status.h"

#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace pythonfilter {

enum class MetricKind { counter, gauge, histogram };

enum class MetricsFormat {
    openmetrics,  // OpenMetrics 1.0
    prometheus,   // Prometheus text 0.0.4: promtool, the textfile collector of node_exporter
};
std::string_view content_type(MetricsFormat format);
/// "openmetrics" or "prometheus"; nothing when it is another word.
std::optional<MetricsFormat> metrics_format(std::string_view word);

/// The samples of one metric, added to a text.
class MetricSamples {
public:
    using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

    /// `name`: as it stands in the text.
    MetricSamples(std::string& text, std::string name) : text_(text), name_(std::move(name)) {}
    void add(std::uint64_t value, Labels labels = {});
    void add(double value, Labels labels = {});
    void add(const LatencyStats& histogram, Labels labels = {});

private:
    void line(std::string_view suffix, const std::string& labels, const std::string& value);

    std::string& text_;
    std::string name_;
};

struct Metric {
    std::string_view name;    // without `pythonfilter_` in front and `_total` behind
    MetricKind kind;
    std::string_view unit;    // the end of the name: seconds, bytes; empty: it has none
    std::string_view labels;  // "pool, state"
    std::string_view help;    // one paragraph
    void (*collect)(const ServerSnapshot& snapshot, MetricSamples& samples);
};
std::span<const Metric> metrics();
/// As a monitoring system shows it: pythonfilter_messages_total.
std::string full_name(const Metric& metric);

std::string metrics_text(const ServerSnapshot& snapshot, MetricsFormat format);
/// What is said in the place of a server that does not answer: that it is not up.
std::string metrics_text_of_no_server(MetricsFormat format);

}  // namespace pythonfilter
