#include "config/settings_reader.h"

#include "base/log.h"
#include "config/plain_scalar.h"

#include <optional>
#include <set>

namespace pythonfilter {
namespace {

constexpr std::size_t kMaxName = 128;

std::string inner(const std::string& path, const std::string& key) {
    constexpr std::size_t kShown = 40;
    return path + "." + escape(key.substr(0, kShown)) + (key.size() > kShown ? "..." : "");
}

// A scalar as it was written; nullopt, reported, where that cannot be told.
std::optional<SettingValue> read_scalar(const YamlNode& node, const std::string& path, LoadReport& report) {
    if (node.quoted) return SettingValue{node.text};
    auto value = read_plain_scalar(node.text);
    if (value) return std::move(*value);
    report.error(node.place, path + ": expected " + value.error().text + ", found " + quote(node.text));
    return std::nullopt;
}

// Every key of one mapping, each once.
class Keys {
public:
    explicit Keys(LoadReport& report) : report_(report) {}

    bool add(const YamlNode& key, const std::string& name) {
        if (seen_.insert(name).second) return true;
        report_.error(key.place, "the key " + quote(key.text) + " is in this mapping already");
        return false;
    }

private:
    LoadReport& report_;
    std::set<std::string> seen_;
};

SettingValue read_value(const YamlNode& node, const std::string& path, LoadReport& report);

SettingValue read_list(const YamlNode& node, const std::string& path, LoadReport& report) {
    SettingValue::List list;
    for (std::size_t i = 0; i < node.items.size() && !report.errors_full(); ++i)
        list.push_back(read_value(node.items[i], path + "[" + std::to_string(i + 1) + "]", report));
    return SettingValue{std::move(list)};
}

// An entry's key: a text or a whole number. Others are no good as keys: in Python 1, 1.0 and True are the same one.
bool read_key(const YamlNode& key, const std::string& path, LoadReport& report, SettingEntry& entry) {
    const auto value = read_scalar(key, path, report);
    if (!value) return false;
    if (const auto* number = std::get_if<std::int64_t>(&value->value)) {
        entry.key = *number;
    } else if (const auto* text = std::get_if<std::string>(&value->value)) {
        entry.key = *text;
    } else {
        report.error(key.place, path + ": expected a text or a whole number as a key, found " + quote(key.text));
        return false;
    }
    return true;
}

SettingValue read_map(const YamlNode& node, const std::string& path, LoadReport& report) {
    SettingValue::Map map;
    Keys keys(report);
    for (std::size_t i = 0; i < node.items.size() && !report.errors_full(); ++i) {
        SettingEntry entry;
        const YamlNode& key = node.keys[i];
        if (key.bad || !read_key(key, path, report, entry)) continue;
        const bool is_number = std::holds_alternative<std::int64_t>(entry.key);
        if (!keys.add(key, is_number ? std::to_string(std::get<std::int64_t>(entry.key)) : "\"" + key.text)) continue;
        entry.value = read_value(node.items[i], inner(path, key.text), report);
        map.push_back(std::move(entry));
    }
    return SettingValue{std::move(map)};
}

SettingValue read_value(const YamlNode& node, const std::string& path, LoadReport& report) {
    if (node.bad) return {};
    switch (node.kind) {
        case YamlNode::Kind::nothing: return {};
        case YamlNode::Kind::scalar: return read_scalar(node, path, report).value_or(SettingValue{});
        case YamlNode::Kind::list: return read_list(node, path, report);
        case YamlNode::Kind::map: return read_map(node, path, report);
    }
    return {};
}

}  // namespace

Settings read_settings(const YamlNode& map, const std::string& path, LoadReport& report) {
    Settings settings;
    Keys keys(report);
    for (std::size_t i = 0; i < map.items.size() && !report.errors_full(); ++i) {
        const YamlNode& key = map.keys[i];
        if (key.bad || !keys.add(key, key.text)) continue;
        if (key.text.empty() || key.text.size() > kMaxName) {
            report.error(key.place,
                         path + ": expected the name of a setting (1 to 128 bytes), found " + quote(key.text));
            continue;
        }
        settings[key.text] = {read_value(map.items[i], inner(path, key.text), report), key.place.line};
    }
    return settings;
}

}  // namespace pythonfilter
