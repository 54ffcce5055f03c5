// The switch over kinds is std::visit over Slot: a new kind of member does not compile until it is handled here.
#include "config/option_text.h"

#include "config/listen_address.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace pythonfilter {
namespace {

struct Unit {
    std::string_view name;
    std::int64_t ns;
};
constexpr std::array<Unit, 5> kUnits = {{
    {"d", 86'400'000'000'000},
    {"h", 3'600'000'000'000},
    {"min", 60'000'000'000},
    {"s", 1'000'000'000},
    {"ms", 1'000'000},
}};

struct SizeUnit {
    std::string_view name;
    std::int64_t bytes;
};
constexpr std::array<SizeUnit, 3> kSizeUnits = {{
    {"GiB", 1024 * 1024 * 1024},
    {"MiB", 1024 * 1024},
    {"KiB", 1024},
}};

template <class... Ts>
struct Overloaded : Ts... {
    using Ts::operator()...;
};
template <class... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;  // clang 14 deduces nothing for aggregates

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_word(char c) { return is_letter(c) || is_digit(c) || c == '_' || c == '-'; }
bool is_word_or_dot(char c) { return is_word(c) || c == '.'; }
bool is_control(char c) { return (c >= 0 && c < 0x20) || c == 0x7f; }

std::size_t longest_text(TextRule rule) {
    switch (rule) {
        case TextRule::module: return 128;
        case TextRule::pool: return 32;
        case TextRule::path: return 4000;
        case TextRule::account: return 32;
        case TextRule::section: return 128;
        case TextRule::variable: return 128;
        case TextRule::listener: return 4000;
    }
    return 0;
}

std::string describe_duration(const Option& option) {
    return "a duration from " + format_duration(Duration(option.min)) + " to " + format_duration(Duration(option.max)) +
           ", with a unit (ms, s, min, h, d)";
}

std::string describe_words(const Option& option) {
    std::string text;
    for (std::size_t i = 0; i < option.words.size(); ++i) {
        if (i > 0) text += i + 1 == option.words.size() ? " or " : ", ";
        text += option.words[i];
    }
    return text;
}

std::string describe_keys(const Section& section, void* owner) {
    const Option& first = section.options.front();
    std::string text = section.bare > 0 ? describe_expected(first, first.slot(owner)) + ", or " : "";
    text += "a mapping with the keys ";
    for (const Option& option : section.options)
        text += (&option == section.options.data() ? "" : ", ") + std::string(option.key);
    return text;
}

std::string list_text(const TextList& list) {
    std::string text = "[";
    for (const std::string& item : list) text += (text.size() > 1 ? ", " : "") + item;
    return text + "]";
}

}  // namespace

std::string describe_text(TextRule rule) {
    switch (rule) {
        case TextRule::module: return "the name of a filter (letters, digits, _, - and inner dots)";
        case TextRule::pool: return "the name of a pool (letters, digits, _ and -; at most 32)";
        case TextRule::path: return "a path that begins with /";
        case TextRule::account: return "a user or group name";
        case TextRule::section: return "the name of a section (letters, digits, _, - and inner dots)";
        case TextRule::variable: return "the name of a variable (letters, digits and _; no digit first)";
        case TextRule::listener: return "an address and a port (127.0.0.1:9780, [::1]:9780), or a path from / on";
    }
    return "a text";
}

std::optional<std::int64_t> parse_whole_number(std::string_view text) {
    if (text.empty() || !std::all_of(text.begin(), text.end(), is_digit)) return std::nullopt;
    if (text.size() > 1 && text.front() == '0') return std::nullopt;
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

std::optional<Duration> parse_duration(std::string_view text) {
    const auto digits = static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is_digit) - text.begin());
    const auto count = parse_whole_number(text.substr(0, digits));
    const auto unit = std::find_if(kUnits.begin(), kUnits.end(),
                                   [&](const Unit& u) { return u.name == text.substr(digits); });
    if (!count || unit == kUnits.end() || *count > INT64_MAX / unit->ns) return std::nullopt;
    return Duration(*count * unit->ns);
}

std::string format_duration(Duration d) {
    for (const Unit& unit : kUnits) {
        if (d.count() != 0 && d.count() % unit.ns == 0)
            return std::to_string(d.count() / unit.ns) + std::string(unit.name);
    }
    return d.count() == 0 ? "0s" : std::to_string(d.count()) + "ns";
}

std::optional<ByteSize> parse_size(std::string_view text) {
    const auto digits = static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is_digit) - text.begin());
    const auto count = parse_whole_number(text.substr(0, digits));
    const auto unit = std::find_if(kSizeUnits.begin(), kSizeUnits.end(),
                                   [&](const SizeUnit& u) { return u.name == text.substr(digits); });
    if (!count || unit == kSizeUnits.end() || *count > INT64_MAX / unit->bytes) return std::nullopt;
    return ByteSize{*count * unit->bytes};
}

std::string format_size(ByteSize size) {
    for (const SizeUnit& unit : kSizeUnits) {
        if (size.bytes != 0 && size.bytes % unit.bytes == 0)
            return std::to_string(size.bytes / unit.bytes) + std::string(unit.name);
    }
    return std::to_string(size.bytes) + " bytes";
}

bool plausible_text(TextRule rule, std::string_view text) {
    if (text.empty() || text.size() > longest_text(rule)) return false;
    switch (rule) {
        case TextRule::module:
        case TextRule::section:
            return std::all_of(text.begin(), text.end(), is_word_or_dot) && text.front() != '.' && text.back() != '.' &&
                   text.find("..") == std::string_view::npos;
        case TextRule::pool: return std::all_of(text.begin(), text.end(), is_word);
        case TextRule::path: return text.front() == '/' && std::none_of(text.begin(), text.end(), is_control);
        case TextRule::account:
            return std::all_of(text.begin(), text.end(), is_word_or_dot) && text.front() != '-';
        case TextRule::variable:
            return std::all_of(text.begin(), text.end(), is_word) && !is_digit(text.front()) &&
                   text.find('-') == std::string_view::npos;
        case TextRule::listener: return parse_listen_address(text).has_value();
    }
    return false;
}

std::string describe_expected(const Option& option, const Slot& slot) {
    const std::string names = "a list, each " + describe_text(option.rule);
    return std::visit(
        Overloaded{
            [&](const int*) {
                return "a whole number from " + std::to_string(option.min) + " to " + std::to_string(option.max);
            },
            [&](const std::optional<int>*) {
                return "a whole number from " + std::to_string(option.min) + " to " + std::to_string(option.max);
            },
            [&](const std::optional<ByteSize>*) {
                return "a size from " + format_size({option.min}) + " to " + format_size({option.max}) +
                       ", with a unit (KiB, MiB, GiB)";
            },
            [](const bool*) -> std::string { return "true or false"; },
            [&](const Duration*) { return describe_duration(option); },
            [&](const std::optional<Duration>*) { return describe_duration(option); },
            [&](const std::string*) { return describe_text(option.rule); },
            [&](const TextList*) { return names; },
            [&](const std::optional<TextList>*) { return names; },
            [&](const ChoiceSlot&) { return describe_words(option); },
            [&](const SectionSlot& inner) { return describe_keys(*option.section, inner.owner); },
            [](const PoolMap*) -> std::string { return "a mapping of pools by name"; },
            [&](const PoolChoice*) { return describe_text(option.rule) + ", or a mapping with the keys of a pool"; },
            [](const TextMap*) -> std::string { return "a mapping of texts by name"; },
            [](const FilterList*) -> std::string { return "a list of filters"; },
            [](const Settings*) -> std::string { return "a mapping of settings by name"; },
            [](const SettingsSections*) -> std::string { return "a mapping of sections by name, each with settings"; },
        },
        slot);
}

std::string value_text(const Option& option, const Slot& slot) {
    return std::visit(
        Overloaded{
            [](int* number) { return std::to_string(*number); },
            [](std::optional<int>* number) { return *number ? std::to_string(**number) : std::string(); },
            [](std::optional<ByteSize>* size) { return *size ? format_size(**size) : std::string(); },
            [](bool* flag) -> std::string { return *flag ? "true" : "false"; },
            [](Duration* d) { return format_duration(*d); },
            [](std::optional<Duration>* d) { return *d ? format_duration(**d) : std::string(); },
            [](std::string* text) { return *text; },
            [](TextList* list) { return list_text(*list); },
            [](std::optional<TextList>* list) { return *list ? list_text(**list) : std::string(); },
            [&](const ChoiceSlot& choice) {
                const auto index = choice.get(choice.member);
                return index ? std::string(option.words[static_cast<std::size_t>(*index)]) : std::string();
            },
            [](const SectionSlot&) { return std::string(); },
            [](PoolMap*) { return std::string(); },
            [](PoolChoice* choice) { return choice->name; },
            [](TextMap*) { return std::string(); },
            [](FilterList*) { return std::string(); },
            [](Settings*) { return std::string(); },
            [](SettingsSections*) { return std::string(); },
        },
        slot);
}

}  // namespace pythonfilter
