#include "config/plain_scalar.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>

namespace pythonfilter {
namespace {

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> words) {
    return std::find(words.begin(), words.end(), text) != words.end();
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_digits(std::string_view text) { return !text.empty() && std::all_of(text.begin(), text.end(), is_digit); }

std::string_view without_sign(std::string_view text) {
    if (!text.empty() && (text.front() == '-' || text.front() == '+')) text.remove_prefix(1);
    return text;
}

bool is_power(std::string_view text) {
    return text.size() > 1 && (text.front() == 'e' || text.front() == 'E') && is_digits(without_sign(text.substr(1)));
}

// [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?, which whole numbers are as well.
bool is_decimal(std::string_view text) {
    text = without_sign(text);
    const std::string_view number = text.substr(0, text.find_first_of("eE"));
    if (number.size() < text.size() && !is_power(text.substr(number.size()))) return false;
    const std::size_t point = std::min(number.find('.'), number.size());
    const std::string_view before = number.substr(0, point);
    const std::string_view behind = number.substr(std::min(point + 1, number.size()));
    return (before.empty() ? is_digits(behind) : is_digits(before) && (behind.empty() || is_digits(behind)));
}

// Digits with the separators that YAML 1.1 allows between them: 1_000, 12:30:59.5. Not 192.0.2.1:25.
bool is_old_number(std::string_view text) {
    text = without_sign(text);
    if (text.empty() || !is_digit(text.front()) || !is_digit(text.back())) return false;
    const std::size_t last = text.find_last_of("_:");
    const auto belongs = [](char c) { return is_digit(c) || c == '_' || c == ':'; };
    return last != std::string_view::npos && std::all_of(text.begin(), text.begin() + last, belongs) &&
           is_decimal(text.substr(last + 1));
}

template <class Number, class... Format>
std::optional<SettingValue> convert(std::string_view text, Format... format) {
    if (text.front() == '+') text.remove_prefix(1);
    Number number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, format...);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return SettingValue{number};
}

Error in_quotes(std::string what) { return Error{std::move(what) + " or, for a text, the same in quotes"}; }

Result<SettingValue> read_whole(std::string_view text, int base) {
    if (auto value = convert<std::int64_t>(text, base)) return *value;
    return in_quotes("a whole number of at most 64 bits");
}

Result<SettingValue> read_number(std::string_view text) {
    const std::string_view digits = without_sign(text);
    const bool whole = is_digits(digits);
    if (whole && digits.size() > 1 && digits.front() == '0') return in_quotes("a number without leading zero");
    if (whole) return read_whole(text, 10);
    if (auto value = convert<double>(text)) return *value;
    return in_quotes("a number that is not too large or too small");
}

std::optional<double> special_float(std::string_view text) {
    if (is_one_of(text, {".nan", ".NaN", ".NAN"})) return std::numeric_limits<double>::quiet_NaN();
    if (!is_one_of(without_sign(text), {".inf", ".Inf", ".INF"})) return std::nullopt;
    return text.front() == '-' ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity();
}

// 0x1F, 0o640; and what looks like them to some readers only: -0x1F, 0b11.
std::optional<Result<SettingValue>> read_with_base(std::string_view text) {
    const std::string_view digits = without_sign(text);
    if (digits.size() < 3 || digits[0] != '0') return std::nullopt;
    const int base = digits[1] == 'x' ? 16 : digits[1] == 'o' ? 8 : digits[1] == 'b' ? 2 : 0;
    constexpr std::string_view kDigits = "0123456789abcdefABCDEF";
    const std::string_view allowed = base == 16 ? kDigits : kDigits.substr(0, static_cast<std::size_t>(base));
    if (base == 0 || digits.find_first_not_of(allowed, 2) != std::string_view::npos) return std::nullopt;
    if (base == 2 || digits.size() < text.size()) return in_quotes("a decimal number");
    return read_whole(digits.substr(2), base);
}

}  // namespace

Result<SettingValue> read_plain_scalar(std::string_view text) {
    if (is_one_of(text, {"null", "Null", "NULL", "~"})) return SettingValue{};
    if (is_one_of(text, {"true", "True", "TRUE"})) return SettingValue{true};
    if (is_one_of(text, {"false", "False", "FALSE"})) return SettingValue{false};
    if (is_one_of(text, {"yes", "Yes", "YES", "no", "No", "NO", "on", "On", "ON", "off", "Off", "OFF"}))
        return in_quotes("true or false");
    if (const auto number = special_float(text)) return SettingValue{*number};
    if (const auto number = read_with_base(text)) return *number;
    if (is_decimal(text)) return read_number(text);
    if (is_old_number(text)) return in_quotes("a number of digits alone");
    return SettingValue{std::string(text)};
}

}  // namespace pythonfilter
