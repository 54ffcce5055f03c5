#include "ctl/print.h"

#include "ctl/table.h"
#include "message/human_text.h"

#include <algorithm>

namespace pythonfilter {
namespace {

using Row = std::vector<std::string>;

std::string failure_text(const FailureStatus& failure) {
    return failure.text.empty() ? "" : failure.text + ", " + span_text(failure.ago_seconds) + " ago";
}

std::string doing_text(const WorkerStatus& worker) {
    return worker.filter + (worker.message_id.empty() ? "" : " id=" + worker.message_id);
}

// A problem may have several lines.
void add_text(Lines& lines, LineKind kind, const std::string& text) {
    for (std::size_t at = 0; at <= text.size();) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        lines.push_back({kind, text.substr(at, end - at)});
        at = end + 1;
    }
}

Row worker_row(const WorkerStatus& worker) {
    return {worker.label,
            worker.pid > 0 ? std::to_string(worker.pid) : "",
            worker.state,
            span_text(worker.state_seconds),
            std::to_string(worker.served),
            mebibytes_text(worker.rss_bytes),
            std::to_string(worker.restarts),
            doing_text(worker),
            failure_text(worker.last_failure)};
}

LineKind kind_of(const WorkerStatus& worker) {
    if (worker.state == "busy") return LineKind::active;
    if (worker.state == "idle") return LineKind::quiet;
    return worker.state == "dying" ? LineKind::warning : LineKind::plain;
}

void add_pool(Lines& lines, const PoolStatus& pool, int generation) {
    std::string text = "pool " + pool.name + ": " + pool.state;
    if (pool.generation != generation) text += ", of generation " + std::to_string(pool.generation);
    text += "; " + std::to_string(pool.workers_wanted) + (pool.workers_wanted == 1 ? " worker" : " workers");
    if (pool.waiting > 0) text += "; " + std::to_string(pool.waiting) + " messages wait";
    lines.push_back({});
    lines.push_back({pool.state == "failed" ? LineKind::warning : LineKind::title, std::move(text)});
    if (!pool.sandbox_lacks.empty())
        lines.push_back({LineKind::plain, "  sandbox not complete: " + pool.sandbox_lacks});
    std::vector<Row> rows{{"worker", "pid", "state", "for", "served", "MiB", "restarts", "doing", "last failure"}};
    for (const WorkerStatus& worker : pool.workers) rows.push_back(worker_row(worker));
    const std::vector<std::string> table = table_lines(rows, "  ");
    lines.push_back({LineKind::heading, table.front()});
    for (std::size_t i = 0; i < pool.workers.size(); ++i)
        lines.push_back({kind_of(pool.workers[i]), table[i + 1]});
}

void add_reload(Lines& lines, const ReloadStatus& reload) {
    if (reload.result.empty()) return;
    const LineKind kind = reload.problems.empty() ? LineKind::plain : LineKind::warning;
    lines.push_back({kind, "last reload: " + reload.result + ", " + span_text(reload.ago_seconds) + " ago"});
    for (const std::string& problem : reload.problems) add_text(lines, kind, "  " + problem);
}

}  // namespace

Lines to_lines(const ServerStatus& status) {
    Lines lines;
    lines.push_back({LineKind::title, status.state + " since " + span_text(status.uptime_seconds) + " (pid " +
                                          std::to_string(status.pid) + ", version " + status.version + ", build " +
                                          status.build + ")"});
    lines.push_back({LineKind::plain, "configuration: " + status.config_file + ", generation " +
                                          std::to_string(status.generation)});
    lines.push_back({LineKind::plain, "messages: " + std::to_string(status.messages_in_work) + " in work; " +
                                          std::to_string(status.queue.waiting) + " of them wait, at most " +
                                          std::to_string(status.queue.limit) + " may"});
    add_reload(lines, status.last_reload);
    for (const std::string& problem : status.problems) add_text(lines, LineKind::warning, "problem: " + problem);
    for (const PoolStatus& pool : status.pools) add_pool(lines, pool, status.generation);
    return lines;
}

std::string to_text(const ServerStatus& status) { return joined(to_lines(status)); }

std::string to_text(const TraceStatus& trace) {
    const WorkerStatus& worker = trace.worker;
    const std::string doing = doing_text(worker);
    return worker.label + " (pid " + std::to_string(worker.pid) + ") " + worker.state + " for " +
           span_text(worker.state_seconds) + (doing.empty() ? "" : ": ") + doing + "\n" +
           (trace.trace.empty() ? "no traceback: " + trace.missing + "\n" : trace.trace);
}

std::string to_text(const ServerStats& stats) {
    std::vector<Row> rows{{"accepted", std::to_string(stats.accepted)},
                          {"deferred", std::to_string(stats.deferred)},
                          {"rejected", std::to_string(stats.rejected)},
                          {"client gone", std::to_string(stats.client_gone)},
                          {"not run again", std::to_string(stats.not_run_again)},
                          {"breakers opened", std::to_string(stats.breakers_opened)}};
    for (const auto& [event, actions] : stats.policy_uses) {
        for (const auto& [action, uses] : actions) rows.push_back({event + ": " + action, std::to_string(uses)});
    }
    return "since " + span_text(stats.uptime_seconds) + ":\n" + table_text(rows, "  ");
}

std::string to_text(const std::vector<FilterStats>& filters) {
    std::vector<Row> rows{{"filter", "runs", "accepted", "deferred", "rejected", "errors", "timeouts", "crashes",
                           "bad replies", "unavailable", "mean ms", "50% ms", "99% ms", "cpu ms"}};
    for (const FilterStats& filter : filters) {
        rows.push_back({filter.name, std::to_string(filter.runs), std::to_string(filter.accepted),
                        std::to_string(filter.deferred), std::to_string(filter.rejected),
                        std::to_string(filter.errors), std::to_string(filter.timeouts),
                        std::to_string(filter.crashes), std::to_string(filter.bad_replies),
                        std::to_string(filter.unavailable), number_text(filter.mean_ms, 2),
                        number_text(filter.p50_ms, 2), number_text(filter.p99_ms, 2), number_text(filter.cpu_ms, 2)});
    }
    return table_text(rows);
}

}  // namespace pythonfilter
