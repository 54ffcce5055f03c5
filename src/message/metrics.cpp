#include "message/metrics.h"

#include <charconv>

namespace pythonfilter {
namespace {

constexpr std::string_view kPrefix = "pythonfilter_";

std::string number(double value) {
    char text[32];
    const auto end = std::to_chars(text, text + sizeof text, value).ptr;
    return {text, end};
}

void append_escaped(std::string& text, std::string_view value, bool quotes) {
    for (const char c : value) {
        if (c == '\\') text += "\\\\";
        else if (c == '\n') text += "\\n";
        else if (c == '"' && quotes) text += "\\\"";
        else text += c;
    }
}

std::string labels_text(MetricSamples::Labels labels) {
    std::string text;
    for (const auto& [name, value] : labels) {
        text += (text.empty() ? "" : ",") + std::string(name) + "=\"";
        append_escaped(text, value, true);
        text += '"';
    }
    return text;
}

std::string_view name_of(MetricKind kind) {
    switch (kind) {
        case MetricKind::counter: return "counter";
        case MetricKind::gauge: return "gauge";
        case MetricKind::histogram: return "histogram";
    }
    return "unknown";
}

void add_head(std::string& text, const Metric& metric, MetricsFormat format) {
    const bool openmetrics = format == MetricsFormat::openmetrics;
    const std::string family = openmetrics ? std::string(kPrefix) + std::string(metric.name) : full_name(metric);
    text += "# HELP " + family + " ";
    append_escaped(text, metric.help, openmetrics);
    text += "\n# TYPE " + family + " " + std::string(name_of(metric.kind)) + "\n";
    if (openmetrics && !metric.unit.empty()) text += "# UNIT " + family + " " + std::string(metric.unit) + "\n";
}

}  // namespace

std::string_view content_type(MetricsFormat format) {
    return format == MetricsFormat::openmetrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                                : "text/plain; version=0.0.4; charset=utf-8";
}

std::optional<MetricsFormat> metrics_format(std::string_view word) {
    if (word == "openmetrics") return MetricsFormat::openmetrics;
    if (word == "prometheus") return MetricsFormat::prometheus;
    return std::nullopt;
}

void MetricSamples::add(std::uint64_t value, Labels labels) { line("", labels_text(labels), std::to_string(value)); }

void MetricSamples::add(double value, Labels labels) { line("", labels_text(labels), number(value)); }

void MetricSamples::add(const LatencyStats& histogram, Labels labels) {
    const std::string own = labels_text(labels), before_le = own.empty() ? "" : own + ",";
    const auto bounds = latency_bounds();
    for (std::size_t i = 0; i < histogram.at_most.size() && i < bounds.size(); ++i)
        line("_bucket", before_le + "le=\"" + number(bounds[i]) + "\"", std::to_string(histogram.at_most[i]));
    line("_bucket", before_le + "le=\"+Inf\"", std::to_string(histogram.count));
    line("_sum", own, number(histogram.sum_seconds));
    line("_count", own, std::to_string(histogram.count));
}

void MetricSamples::line(std::string_view suffix, const std::string& labels, const std::string& value) {
    text_ += name_;
    text_ += suffix;
    if (!labels.empty()) text_ += "{" + labels + "}";
    text_ += " " + value + "\n";
}

std::string full_name(const Metric& metric) {
    return std::string(kPrefix) + std::string(metric.name) + (metric.kind == MetricKind::counter ? "_total" : "");
}

std::string metrics_text(const ServerSnapshot& snapshot, MetricsFormat format) {
    std::string text;
    for (const Metric& metric : metrics()) {
        add_head(text, metric, format);
        MetricSamples samples(text, full_name(metric));
        metric.collect(snapshot, samples);
    }
    if (format == MetricsFormat::openmetrics) text += "# EOF\n";
    return text;
}

std::string metrics_text_of_no_server(MetricsFormat format) {
    std::string text;
    const Metric& up = metrics().front();
    add_head(text, up, format);
    MetricSamples(text, full_name(up)).add(std::uint64_t{0});
    if (format == MetricsFormat::openmetrics) text += "# EOF\n";
    return text;
}

}  // namespace pythonfilter
