// A program of the build, not installed: prints a manual page with the table of metrics in the place of the line
// @METRICS@.
//
//   print_metrics_manual man/pythonfilter-metrics.7.in > pythonfilter-metrics.7
#include "config/manual_page.h"
#include "message/metrics.h"

#include <fstream>
#include <iostream>

namespace pythonfilter {
namespace {

const char* kind_of(const Metric& metric) {
    switch (metric.kind) {
        case MetricKind::counter: return "Counter";
        case MetricKind::gauge: return "Gauge";
        case MetricKind::histogram: return "Histogram";
    }
    return "";
}

std::string print_manual_metrics() {
    std::string text;
    for (const Metric& metric : metrics()) {
        text += ".TP\n.B " + manual_text(full_name(metric)) + "\n" + manual_text(metric.help) + "\n.br\n";
        text += kind_of(metric);
        if (!metric.labels.empty()) text += "; labels: " + manual_text(metric.labels);
        text += ".\n";
    }
    return text;
}

}  // namespace
}  // namespace pythonfilter

int main(int argc, char** argv) {
    std::ifstream page(argc == 2 ? argv[1] : "");
    if (!page || !pythonfilter::fill_in_page(page, "@METRICS@", pythonfilter::print_manual_metrics(), std::cout)) {
        std::cerr << "print_metrics_manual: expected the name of a page with the line @METRICS@\n";
        return 66;
    }
    std::cout.flush();
    return std::cout ? 0 : 74;
}
