// ConfigReader: walks the tree of a YAML file and the option table side by side, and puts every value into its member.
// Used by load_yaml() alone. Keys, lists and mappings are read in config_reader.cpp, single values in
// config_values.cpp. It never stops at the first error, and no tree makes it throw.
#pragma once

#include "config/load_report.h"
#include "config/option_table.h"
#include "config/yaml_tree.h"

#include <string>

namespace pythonfilter {

/// The read() overloads are the kinds of members.
class ConfigReader {
public:
    ConfigReader(Places& places, LoadReport& report) : places_(places), report_(report) {}

    void read_section(const YamlNode& node, Place place, const Section& section, void* owner, const std::string& path);

private:
    /// One value on its way into its member.
    struct Value {
        const Option& option;
        const YamlNode& node;
        Place place;              // of the value; of its key when nothing is written behind it
        const std::string& path;  // "server.queue.limit"
        const Slot& slot;
    };

    bool is_first(const YamlNode& map, std::size_t index);
    void read_key(const YamlNode& key, const YamlNode& value, const Section& section, void* owner,
                  const std::string& path);
    void read_option(const Option& option, const YamlNode& node, Place place, void* owner, const std::string& path);
    void unknown_key(const YamlNode& key, const Section& section, const std::string& path);
    /// Calls use(name, key, item) for each entry of a map whose keys are names.
    template <class Use>
    void read_named(const Value& value, Use use);

    void read(const Value& value, int* member);
    void read(const Value& value, std::optional<int>* member);
    void read(const Value& value, std::optional<ByteSize>* member);
    void read(const Value& value, bool* member);
    void read(const Value& value, Duration* member);
    void read(const Value& value, std::optional<Duration>* member);
    void read(const Value& value, std::string* member);
    void read(const Value& value, TextList* member);
    void read(const Value& value, std::optional<TextList>* member);
    void read(const Value& value, const ChoiceSlot& choice);
    void read(const Value& value, const SectionSlot& section);
    void read(const Value& value, PoolMap* pools);
    void read(const Value& value, PoolChoice* choice);
    void read(const Value& value, TextMap* texts);
    void read(const Value& value, FilterList* filters);
    void read(const Value& value, Settings* settings);
    void read(const Value& value, SettingsSections* sections);

    void read_literal(const YamlNode& node, Place place, const std::string& path, std::string& text);
    bool expect(const Value& value, YamlNode::Kind kind);
    bool fits(const Value& value, std::size_t count);
    void wrong(const Value& value, const std::string& more = {});

    Places& places_;
    LoadReport& report_;
};

/// "a list", or the text itself: to go behind "found".
std::string describe_found(const YamlNode& node);

}  // namespace pythonfilter
