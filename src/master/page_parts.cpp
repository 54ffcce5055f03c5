#include "master/page_parts.h"

#include "master/page_plots.h"
#include "message/human_text.h"

#include <initializer_list>
#include <span>
#include <vector>

namespace pythonfilter {
namespace {

std::string count_text(std::uint64_t count) { return std::to_string(count); }
std::string ms_text(double ms) { return number_text(ms, ms < 10 ? 2 : ms < 100 ? 1 : 0); }

std::string plural(std::uint64_t count, const std::string& one) {
    return count_text(count) + " " + one + (count == 1 ? "" : "s");
}

// What a stranger wrote cannot change the direction of the text around it.
std::string foreign(std::string_view text) { return "<bdi>" + html_text(text) + "</bdi>"; }

std::string badge(std::string_view word) {
    return "<span class=\"badge " + html_text(word) + "\">" + html_text(word) + "</span>";
}

struct Column {
    std::string_view name;
    bool is_number = false;
};
using Columns = std::span<const Column>;

// Each cell carries its column's name: a phone shows a row as a list.
std::string row(Columns columns, const std::vector<std::string>& cells) {
    std::string text = "<tr>";
    for (std::size_t i = 0; i < columns.size(); ++i) {
        text += "<td data-label=\"" + std::string(columns[i].name) + "\"" +
                (columns[i].is_number ? " class=\"n\"" : "") +
                (cells[i].empty() || cells[i] == "0" ? " data-empty" : "") + ">" + cells[i] + "</td>";
    }
    return text + "</tr>\n";
}

std::string table(const char* name, Columns columns, const std::string& rows) {
    std::string head;
    for (const Column& column : columns)
        head += std::string("<th scope=\"col\"") + (column.is_number ? " class=\"n\"" : "") + ">" +
                std::string(column.name) + "</th>";
    return std::string("<div class=\"scroll\"><table class=\"") + name + "\"><thead><tr>" + head +
           "</tr></thead><tbody>\n" + rows + "</tbody></table></div>";
}

std::string fact(const std::string& name, const std::string& value, const std::string& note = {}) {
    return "<div><dt>" + name + "</dt><dd>" + value + (note.empty() ? "" : " <small>" + note + "</small>") +
           "</dd></div>";
}

std::string figure(const std::string& caption, const std::string& plot) {
    return "<figure><figcaption>" + caption + "</figcaption>" + plot + "</figure>";
}

std::string key(std::initializer_list<std::pair<const char*, const char*>> entries) {
    std::string text;
    for (const auto& [name, words] : entries)
        text += std::string("<span class=\"key ") + name + "\">" + words + "</span> ";
    return text;
}

std::string verdict_key(bool passes_on) {
    return key({{"accept", "accepted"}, {"defer", "deferred"}, {"reject", "rejected"}}) +
           (passes_on ? key({{"passed", "passed on"}, {"failed", "failed"}}) : "");
}

std::string latency_key() { return key({{"p50", "half stayed within"}, {"p99", "99 of 100"}}); }

// ---- summary

std::string reload_text(const ReloadStatus& reload) {
    if (reload.result.empty()) return {};
    return fact("Last reload", html_text(reload.result), span_text(reload.ago_seconds) + " ago");
}

std::string problems_text(const ServerStatus& status) {
    std::string items;
    for (const std::string& problem : status.problems) items += "<li>" + foreign(problem) + "</li>";
    for (const std::string& problem : status.last_reload.problems) items += "<li>reload: " + foreign(problem) + "</li>";
    return items.empty() ? "" : "<ul class=\"problems\">" + items + "</ul>";
}

std::string summary_part(const ServerSnapshot& snapshot) {
    const ServerStatus& status = snapshot.status;
    const ServerStats& stats = snapshot.stats;
    return "<p>" + badge(status.state) + " since " + span_text(status.uptime_seconds) + " <small>version " +
           html_text(status.version) + ", build " + html_text(status.build) + ", " +
           mebibytes_text(status.rss_bytes) + " MiB</small></p>" + problems_text(status) +
           "<dl>" + fact("In work", std::to_string(status.messages_in_work)) +
           fact("Waiting", std::to_string(status.queue.waiting), "of " + std::to_string(status.queue.limit)) +
           fact("Accepted", count_text(stats.accepted)) + fact("Deferred", count_text(stats.deferred)) +
           fact("Rejected", count_text(stats.rejected)) + fact("Connections", std::to_string(status.connections)) +
           fact("Generation", std::to_string(status.generation)) + reload_text(status.last_reload) + "</dl>";
}

std::string messages_part(const ServerSnapshot& snapshot) {
    return figure("Messages a minute " + verdict_key(false), verdicts_plot(snapshot.hour.messages, false)) +
           figure("From connect to reply " + latency_key(), latency_plot(snapshot.hour.messages));
}

// ---- pools

std::string doing(const WorkerStatus& worker) {
    if (worker.filter.empty() && worker.message_id.empty()) return {};
    return "<b>" + html_text(worker.filter) + "</b> <span class=\"id\">" + foreign(worker.message_id) + "</span>";
}

std::string failure(const FailureStatus& failure) {
    if (failure.text.empty()) return {};
    return foreign(failure.text) + " <small>" + span_text(failure.ago_seconds) + " ago</small>";
}

constexpr Column kWorkerColumns[] = {{"worker"},       {"state"},     {"doing"},          {"for", true},
                                    {"served", true}, {"MiB", true}, {"restarts", true}, {"last failure"}};

std::string worker_row(const WorkerStatus& worker) {
    return row(kWorkerColumns, {html_text(worker.label), badge(worker.state), doing(worker),
                                span_text(worker.state_seconds), std::to_string(worker.served),
                                mebibytes_text(worker.rss_bytes), count_text(worker.restarts),
                                failure(worker.last_failure)});
}

std::string pool_text(const PoolStatus& pool, int generation) {
    std::string notes = plural(static_cast<std::uint64_t>(pool.workers_wanted), "worker");
    if (pool.waiting > 0) notes += ", " + plural(static_cast<std::uint64_t>(pool.waiting), "message") + " waiting";
    if (pool.generation != generation) notes += ", of generation " + std::to_string(pool.generation);
    std::string text = "<h3>" + html_text(pool.name) + " " + badge(pool.state) + " <small>" + notes + "</small></h3>";
    if (!pool.sandbox_lacks.empty()) text += "<p>Sandbox not complete: " + foreign(pool.sandbox_lacks) + "</p>";
    std::string rows;
    for (const WorkerStatus& worker : pool.workers) rows += worker_row(worker);
    return text + table("workers", kWorkerColumns, rows);
}

std::string pools_part(const ServerSnapshot& snapshot) {
    std::string text;
    for (const PoolStatus& pool : snapshot.status.pools) text += pool_text(pool, snapshot.status.generation);
    return text;
}

// ---- filters

constexpr Column kFilterColumns[] = {
    {"filter"},          {"runs", true},        {"accepted", true},    {"deferred", true}, {"rejected", true},
    {"errors", true},    {"timeouts", true},    {"crashes", true},     {"bad replies", true},
    {"unavailable", true}, {"mean ms", true},   {"50% ms", true},      {"99% ms", true}};

std::string filter_row(const FilterStats& filter) {
    const bool is_open = !filter.breaker.empty() && filter.breaker != "closed";
    return row(kFilterColumns, {html_text(filter.name) + (is_open ? " " + badge("breaker " + filter.breaker) : ""),
                                count_text(filter.runs), count_text(filter.accepted), count_text(filter.deferred),
                                count_text(filter.rejected), count_text(filter.errors), count_text(filter.timeouts),
                                count_text(filter.crashes), count_text(filter.bad_replies),
                                count_text(filter.unavailable), ms_text(filter.mean_ms), ms_text(filter.p50_ms),
                                ms_text(filter.p99_ms)});
}

std::string filter_plots(const FilterStats& filter, const ServerHour& hour) {
    const auto found = hour.filters.find(filter.name);
    if (found == hour.filters.end()) return {};
    return "<article><h3>" + html_text(filter.name) + "</h3>" + verdicts_plot(found->second, true) +
           latency_plot(found->second) + "</article>";
}

std::string filters_part(const ServerSnapshot& snapshot) {
    std::string rows, plots;
    for (const FilterStats& filter : snapshot.filters) {
        rows += filter_row(filter);
        plots += filter_plots(filter, snapshot.hour);
    }
    return table("filters", kFilterColumns, rows) + "<p class=\"keys\">" + verdict_key(true) + latency_key() +
           "</p><div class=\"plots\">" + plots + "</div>";
}

}  // namespace

PageParts page_parts(const ServerSnapshot& snapshot) {
    return {summary_part(snapshot), messages_part(snapshot), pools_part(snapshot), filters_part(snapshot)};
}

std::string html_text(std::string_view text) {
    std::string result;
    for (const char c : text) {
        switch (c) {
            case '&': result += "&amp;"; break;
            case '<': result += "&lt;"; break;
            case '>': result += "&gt;"; break;
            case '"': result += "&quot;"; break;
            case '\'': result += "&#39;"; break;
            default: result += c;
        }
    }
    return result;
}

}  // namespace pythonfilter
