// Prints a tally as JSON, for tests/bench/load.py. The names of the fields are read there.
#include "tally.h"

#include <algorithm>
#include <cstdio>
#include <string_view>

namespace pythonfilter::bench {

namespace {

std::string quoted(std::string_view text) {
    std::string json = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        char escape[8];
        if (c == '"' || c == '\\') {
            json += '\\';
            json += c;
        } else if (byte < 0x20 || byte >= 0x7f) {
            std::snprintf(escape, sizeof escape, "\\u%04x", byte);
            json += escape;
        } else {
            json += c;
        }
    }
    return json + '"';
}

void print_counts(const char* name, const std::map<std::string, std::uint64_t>& counts) {
    std::printf("  \"%s\": {", name);
    const char* separator = "";
    for (const auto& [text, count] : counts) {
        std::printf("%s%s: %llu", separator, quoted(text).c_str(), static_cast<unsigned long long>(count));
        separator = ", ";
    }
    std::printf("},\n");
}

}  // namespace

void print_tally(const Tally& tally, double seconds, int clients) {
    std::vector<std::uint32_t> sorted = tally.latencies_us;
    std::sort(sorted.begin(), sorted.end());
    const auto at = [&](double part) -> unsigned {
        return sorted.empty() ? 0 : sorted[static_cast<std::size_t>(part * static_cast<double>(sorted.size() - 1))];
    };
    std::printf("{\n  \"clients\": %d,\n  \"messages\": %zu,\n  \"seconds\": %.4f,\n  \"messages_per_second\": %.1f,\n",
                clients, sorted.size(), seconds, static_cast<double>(sorted.size()) / seconds);
    std::printf("  \"latency_us\": {\"p50\": %u, \"p99\": %u, \"max\": %u},\n", at(0.5), at(0.99), at(1.0));
    print_counts("replies", tally.replies);
    print_counts("wrong", tally.wrong);
    print_counts("malformed", tally.malformed);
    std::printf("  \"eof\": %llu,\n  \"refused\": %llu,\n  \"timeouts\": %llu,\n  \"backlog_full\": %llu\n}\n",
                static_cast<unsigned long long>(tally.eof), static_cast<unsigned long long>(tally.refused),
                static_cast<unsigned long long>(tally.timeouts), static_cast<unsigned long long>(tally.backlog_full));
}

}  // namespace pythonfilter::bench
