#include "master/page_plots.h"

#include "message/human_text.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace pythonfilter {
namespace {

// Units of the picture: about a pixel of a phone.
constexpr double kWidth = 360, kHeight = 110;
constexpr double kLeft = 40, kTop = 8, kBottom = kHeight - 16;
constexpr double kMinutes = 60, kStep = (kWidth - kLeft) / kMinutes;

std::string at(double value) { return number_text(value, 1); }

double left_of(std::size_t minute) { return kLeft + static_cast<double>(minute) * kStep; }

std::string text_at(double x, double y, const char* anchor, const std::string& text) {
    return "<text x=\"" + at(x) + "\" y=\"" + at(y) + "\" text-anchor=\"" + anchor + "\">" + text + "</text>";
}

std::string grid_line(double y, const std::string& label) {
    return "<path class=\"grid\" d=\"M" + at(kLeft) + " " + at(y) + "H" + at(kWidth) + "\"/>" +
           text_at(kLeft - 4, y + 3, "end", label);
}

std::string frame(const std::string& title, const std::string& content) {
    return "<svg viewBox=\"0 0 " + number_text(kWidth, 0) + " " + number_text(kHeight, 0) + "\" role=\"img\"><title>" +
           title + "</title>" + content + text_at(kLeft, kHeight - 3, "start", "60 min ago") +
           text_at(kWidth, kHeight - 3, "end", "now") + "</svg>";
}

std::uint64_t decided(const MinuteStats& minute) {
    return minute.accepted + minute.deferred + minute.rejected + minute.failed;
}

// 1, 2 or 5 times a power of ten.
double round_up(double value) {
    const double power = std::pow(10, std::floor(std::log10(std::max(value, 1.0))));
    for (const double factor : {1.0, 2.0, 5.0}) {
        if (value <= factor * power) return factor * power;
    }
    return 10 * power;
}

std::string count_text(double value) {
    if (value >= 1e6) return number_text(value / 1e6, 0) + "M";
    return value >= 1e4 ? number_text(value / 1e3, 0) + "k" : number_text(value, 0);
}

// From a power of ten to another one, at least one apart, around all that is to be shown.
struct Decades {
    double low = 0, high = 1;  // exponents, of milliseconds

    double y_of(double ms) const {
        const double share = (std::log10(std::max(ms, 1e-3)) - low) / (high - low);
        return kBottom - std::clamp(share, 0.0, 1.0) * (kBottom - kTop);
    }
};

Decades decades_of(const std::vector<MinuteStats>& minutes) {
    double lowest = HUGE_VAL, highest = 0;
    for (const MinuteStats& minute : minutes) {
        if (minute.runs == 0) continue;
        lowest = std::min(lowest, minute.p50_ms);
        highest = std::max(highest, minute.p99_ms);
    }
    if (highest <= 0) return {};
    Decades decades{std::floor(std::log10(std::max(lowest, 1e-3))), std::ceil(std::log10(std::max(highest, 1e-2)))};
    decades.high = std::max(decades.high, decades.low + 1);
    return decades;
}

std::string milliseconds_label(double exponent) {
    if (exponent >= 3) return number_text(std::pow(10, exponent - 3), 0) + " s";
    if (exponent >= 0) return number_text(std::pow(10, exponent), 0) + " ms";
    return number_text(std::pow(10, exponent + 3), 0) + " \xc2\xb5s";
}

// A minute is a short flat line; neighbours are joined, and one without runs is a gap.
template <class Value>
std::string step_line(const char* name, const std::vector<MinuteStats>& minutes, const Decades& decades, Value value) {
    std::string path;
    bool joined = false;
    for (std::size_t i = 0; i < minutes.size(); ++i) {
        const bool seen = minutes[i].runs > 0;
        if (seen) {
            const double y = decades.y_of(value(minutes[i]));
            path += joined ? "V" + at(y) : "M" + at(left_of(i)) + " " + at(y);
            path += "h" + at(kStep);
        }
        joined = seen;
    }
    return path.empty() ? "" : std::string("<path class=\"line ") + name + "\" d=\"" + path + "\"/>";
}

struct Kind {
    const char* name;
    std::uint64_t (*count)(const MinuteStats&);
};
constexpr std::array<Kind, 5> kKinds = {{  // from below
    {"passed", [](const MinuteStats& minute) { return std::max(minute.runs, decided(minute)) - decided(minute); }},
    {"accept", [](const MinuteStats& minute) { return minute.accepted; }},
    {"defer", [](const MinuteStats& minute) { return minute.deferred; }},
    {"reject", [](const MinuteStats& minute) { return minute.rejected; }},
    {"failed", [](const MinuteStats& minute) { return minute.failed; }},
}};

}  // namespace

std::string verdicts_plot(const std::vector<MinuteStats>& minutes, bool passes_on) {
    double most = 1;
    for (const MinuteStats& minute : minutes) {
        const std::uint64_t all = passes_on ? std::max(minute.runs, decided(minute)) : decided(minute);
        most = std::max(most, static_cast<double>(all));
    }
    const double top = round_up(most), scale = (kBottom - kTop) / top;
    std::array<std::string, kKinds.size()> paths;
    for (std::size_t i = 0; i < minutes.size(); ++i) {
        double y = kBottom;
        for (std::size_t kind = passes_on ? 0 : 1; kind < kKinds.size(); ++kind) {
            const double height = static_cast<double>(kKinds[kind].count(minutes[i])) * scale;
            if (height <= 0) continue;
            paths[kind] += "M" + at(left_of(i) + 0.5) + " " + at(y) + "v-" + at(height) + "h" + at(kStep - 1) + "v" +
                           at(height) + "z";
            y -= height;
        }
    }
    std::string content = grid_line(kTop, count_text(top)) + grid_line((kTop + kBottom) / 2, count_text(top / 2)) +
                          grid_line(kBottom, "0");
    if (top < 2) content = grid_line(kTop, "1") + grid_line(kBottom, "0");
    for (std::size_t kind = 0; kind < kKinds.size(); ++kind) {
        if (!paths[kind].empty())
            content += std::string("<path class=\"bar ") + kKinds[kind].name + "\" d=\"" + paths[kind] + "\"/>";
    }
    return frame("Messages in each of the last 60 minutes, by verdict", content);
}

std::string latency_plot(const std::vector<MinuteStats>& minutes) {
    const Decades decades = decades_of(minutes);
    const double every = std::ceil((decades.high - decades.low) / 4);
    std::string content;
    for (double exponent = decades.low; exponent <= decades.high; exponent += every)
        content += grid_line(kBottom - (exponent - decades.low) / (decades.high - decades.low) * (kBottom - kTop),
                             milliseconds_label(exponent));
    content += step_line("p99", minutes, decades, [](const MinuteStats& minute) { return minute.p99_ms; });
    content += step_line("p50", minutes, decades, [](const MinuteStats& minute) { return minute.p50_ms; });
    return frame("Time in each of the last 60 minutes: half and 99 of 100 stayed within", content);
}

}  // namespace pythonfilter
