#include "message/human_text.h"

#include <array>
#include <charconv>

namespace pythonfilter {
namespace {

std::string two_units(double seconds, double big, const char* big_name, double small, const char* small_name) {
    const auto whole = static_cast<long long>(seconds / big);
    const auto rest = static_cast<long long>((seconds - static_cast<double>(whole) * big) / small);
    return std::to_string(whole) + " " + big_name + " " + std::to_string(rest) + " " + small_name;
}

}  // namespace

std::string number_text(double value, int digits) {
    std::array<char, 64> text{};
    const auto done = std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed, digits);
    return done.ec == std::errc() ? std::string(text.data(), done.ptr) : std::string("?");
}

std::string span_text(double seconds) {
    if (seconds < 60) return number_text(seconds, 1) + " s";
    if (seconds < 3600) return two_units(seconds, 60, "min", 1, "s");
    if (seconds < 86400) return two_units(seconds, 3600, "h", 60, "min");
    return two_units(seconds, 86400, "d", 3600, "h");
}

std::string mebibytes_text(std::int64_t bytes) {
    return bytes <= 0 ? "" : number_text(static_cast<double>(bytes) / (1024 * 1024), 1);
}

}  // namespace pythonfilter
