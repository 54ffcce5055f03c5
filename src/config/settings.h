// Settings: what a filter or a library module is told by the configuration, as a tree of values that become Python
// objects of the same kind. The server itself never looks into them: it reads them (settings_reader.h), bounds them,
// and hands those of a pool to its zygote (message/settings_codec.h).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

namespace pythonfilter {

struct SettingEntry;

/// null, true or false, a number, a text, a list, or a mapping in the order of the file.
struct SettingValue {
    using List = std::vector<SettingValue>;
    using Map = std::vector<SettingEntry>;
    using Variant = std::variant<std::monostate, bool, std::int64_t, double, std::string, List, Map>;
    Variant value;
};

/// Keys of one mapping differ. A number and a text are never the same key.
struct SettingEntry {
    std::variant<std::int64_t, std::string> key;
    SettingValue value;
};

/// One key directly under `settings` or under the name of a module.
struct Setting {
    SettingValue value;
    int line = 0;  // of the configuration file
};

using Settings = std::map<std::string, Setting>;
/// By section: the name that a module asks for.
using SettingsSections = std::map<std::string, Settings>;

/// A value has at most so many collections around it, and sections of one pool at most so many bytes together: they
/// travel in one packet, and no recursion over them is deep.
inline constexpr std::size_t kMaxSettingDepth = 16;
inline constexpr std::size_t kMaxSettingsSize = 64 * 1024;

/// The bytes that a value, or a section with its name, takes in the packet.
std::size_t packed_size(const SettingValue& value);
std::size_t packed_size(const std::string& section, const Settings& settings);

/// As it could be written in one line of YAML; texts in quotes and escaped.
std::string to_text(const SettingValue& value);

/// "ratelimit" and "site.ratelimit": "ratelimit.py", the section that the filter asks for.
std::string section_of_filter(const std::string& filter);

}  // namespace pythonfilter
