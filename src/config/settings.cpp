#include "config/settings.h"

#include "base/log.h"

#include <array>
#include <charconv>
#include <cmath>

namespace pythonfilter {
namespace {

constexpr std::size_t kTag = 1;
constexpr std::size_t kCount = sizeof(std::uint32_t);

std::string quoted(const std::string& text) { return "\"" + escape_field(text, "\"") + "\""; }

std::string number_text(double number) {
    if (std::isnan(number)) return ".nan";
    if (std::isinf(number)) return number < 0 ? "-.inf" : ".inf";
    std::array<char, 32> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    std::string text(digits.data(), end);
    return text.find_first_of(".e") == std::string::npos ? text + ".0" : text;
}

// One overload for each kind of value: std::visit does not compile without all of them.
struct PackedSize {
    std::size_t operator()(std::monostate) const { return kTag; }
    std::size_t operator()(bool) const { return kTag; }
    std::size_t operator()(std::int64_t) const { return kTag + sizeof(std::int64_t); }
    std::size_t operator()(double) const { return kTag + sizeof(double); }
    std::size_t operator()(const std::string& text) const { return kTag + kCount + text.size(); }
    std::size_t operator()(const SettingValue::List& list) const {
        std::size_t size = kTag + kCount;
        for (const SettingValue& item : list) size += packed_size(item);
        return size;
    }
    std::size_t operator()(const SettingValue::Map& map) const {
        std::size_t size = kTag + kCount;
        for (const SettingEntry& entry : map) size += std::visit(*this, entry.key) + packed_size(entry.value);
        return size;
    }
};

struct Text {
    std::string operator()(std::monostate) const { return "null"; }
    std::string operator()(bool flag) const { return flag ? "true" : "false"; }
    std::string operator()(std::int64_t number) const { return std::to_string(number); }
    std::string operator()(double number) const { return number_text(number); }
    std::string operator()(const std::string& text) const { return quoted(text); }
    std::string operator()(const SettingValue::List& list) const {
        std::string text = "[";
        for (const SettingValue& item : list) text += (text.size() > 1 ? ", " : "") + to_text(item);
        return text + "]";
    }
    std::string operator()(const SettingValue::Map& map) const {
        std::string text = "{";
        for (const SettingEntry& entry : map)
            text += (text.size() > 1 ? ", " : "") + std::visit(*this, entry.key) + ": " + to_text(entry.value);
        return text + "}";
    }
};

}  // namespace

std::size_t packed_size(const SettingValue& value) { return std::visit(PackedSize{}, value.value); }

std::size_t packed_size(const std::string& section, const Settings& settings) {
    std::size_t size = kCount + section.size() + kCount;
    for (const auto& [key, setting] : settings)
        size += kCount + key.size() + sizeof(std::uint32_t) + packed_size(setting.value);
    return size;
}

std::string to_text(const SettingValue& value) { return std::visit(Text{}, value.value); }

std::string section_of_filter(const std::string& filter) { return filter.substr(filter.rfind('.') + 1) + ".py"; }

}  // namespace pythonfilter
