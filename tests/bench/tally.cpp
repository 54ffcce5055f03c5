// Prints a tally as JSON, for tests/bench/load.py. The names of the fields are read there.
#include "tally.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string_view>

namespace pythonfilter::bench {

namespace {

constexpr std::size_t kMaxTexts = 50;

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

void put(FILE* file, std::uint64_t number) { std::fwrite(&number, sizeof number, 1, file); }

// 0 at the end of the file, which the caller asks for.
std::uint64_t get(FILE* file) {
    std::uint64_t number = 0;
    return std::fread(&number, sizeof number, 1, file) == 1 ? number : 0;
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

void count_text(std::map<std::string, std::uint64_t>& counts, const std::string& text, std::uint64_t times) {
    const bool known = counts.size() < kMaxTexts || counts.contains(text);
    counts[known ? text : "(other texts)"] += times;
}

void add(Tally& sum, const Tally& other) {
    sum.latencies_us.insert(sum.latencies_us.end(), other.latencies_us.begin(), other.latencies_us.end());
    for (const auto& [text, times] : other.replies) count_text(sum.replies, text, times);
    for (const auto& [text, times] : other.wrong) count_text(sum.wrong, text, times);
    for (const auto& [text, times] : other.malformed) count_text(sum.malformed, text, times);
    sum.eof += other.eof;
    sum.refused += other.refused;
    sum.timeouts += other.timeouts;
    sum.backlog_full += other.backlog_full;
    sum.run_us += other.run_us;
}

void send_tally(const Tally& tally, int fd) {
    FILE* file = fdopen(fd, "w");
    put(file, tally.latencies_us.size());
    std::fwrite(tally.latencies_us.data(), sizeof(std::uint32_t), tally.latencies_us.size(), file);
    for (const auto* counts : {&tally.replies, &tally.wrong, &tally.malformed}) {
        put(file, counts->size());
        for (const auto& [text, times] : *counts) {
            put(file, times);
            put(file, text.size());
            std::fwrite(text.data(), 1, text.size(), file);
        }
    }
    for (const std::uint64_t count : {tally.eof, tally.refused, tally.timeouts, tally.run_us, tally.backlog_full})
        put(file, count);
    std::fclose(file);
}

bool receive_tally(Tally& tally, int fd) {
    FILE* file = fdopen(dup(fd), "r");
    tally.latencies_us.resize(get(file));
    bool whole = std::fread(tally.latencies_us.data(), sizeof(std::uint32_t), tally.latencies_us.size(), file) ==
                 tally.latencies_us.size();
    for (auto* counts : {&tally.replies, &tally.wrong, &tally.malformed}) {
        for (std::uint64_t left = get(file); left > 0 && whole; --left) {
            const std::uint64_t times = get(file);
            std::string text(get(file), '\0');
            whole = std::fread(text.data(), 1, text.size(), file) == text.size();
            (*counts)[text] = times;
        }
    }
    for (auto* count : {&tally.eof, &tally.refused, &tally.timeouts, &tally.run_us, &tally.backlog_full})
        *count = get(file);
    whole = whole && !std::feof(file) && !std::ferror(file);
    std::fclose(file);
    return whole;
}

void print_tally(const Tally& tally, int clients) {
    const double seconds = static_cast<double>(tally.run_us) / 1e6;
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
