#include "config/config_reader.h"

#include "config/nearest.h"
#include "config/option_text.h"
#include "config/option_walk.h"
#include "config/settings_reader.h"

#include <algorithm>

namespace pythonfilter {
namespace {

std::string join(const std::string& path, std::string_view key) {
    return path.empty() ? std::string(key) : path + "." + std::string(key);
}

// Where else in the table a key is at home: "server.message_timeout" for one that was written at the top.
std::string home_of(std::string_view key) {
    std::string home;
    walk_options([&](const OptionVisit& visit) {
        if (home.empty() && visit.option.key == key) home = visit.path;
    });
    return home;
}

}  // namespace

// ---- keys

void ConfigReader::unknown_key(const YamlNode& key, const Section& section, const std::string& path) {
    std::vector<std::string_view> known;
    for (const Option& option : section.options) known.push_back(option.key);
    const std::string where = path.empty() ? "at the top level" : "in " + path;
    std::string hint = did_you_mean(key.text, known);
    const std::string home = hint.empty() ? home_of(key.text) : std::string();
    if (!home.empty()) hint = "; did you mean `" + home + "`?";
    if (hint.empty()) {
        hint = "; known keys: ";
        for (std::size_t i = 0; i < known.size(); ++i) hint += (i == 0 ? "" : ", ") + std::string(known[i]);
    }
    report_.error(key.place, "unknown key " + quote(key.text) + " " + where + hint);
}

void ConfigReader::read_key(const YamlNode& key, const YamlNode& value, const Section& section, void* owner,
                            const std::string& path) {
    const auto option = std::find_if(section.options.begin(), section.options.end(),
                                     [&](const Option& o) { return o.key == key.text; });
    if (option == section.options.end()) {
        unknown_key(key, section, path);
        return;
    }
    const bool nothing = value.kind == YamlNode::Kind::nothing;
    read_option(*option, value, nothing ? key.place : value.place, owner, join(path, option->key));
}

// Duplicates are looked for here and not in the tree, so that a key that is bad in itself is reported once.
bool ConfigReader::is_first(const YamlNode& map, std::size_t index) {
    const YamlNode& key = map.keys[index];
    for (std::size_t i = 0; i < index; ++i) {
        if (map.keys[i].bad || map.keys[i].text != key.text) continue;
        const int line = map.keys[i].place.line;
        report_.error(key.place, "the key " + quote(key.text) + " is in line " + std::to_string(line) + " already");
        return false;
    }
    return true;
}

void ConfigReader::read_section(const YamlNode& node, Place place, const Section& section, void* owner,
                                const std::string& path) {
    // Keys beyond any table's length are not worth comparing with each other: that takes quadratic time.
    constexpr std::size_t kMostKeys = 1000;
    for (std::size_t i = 0; i < node.items.size() && i < kMostKeys && !report_.errors_full(); ++i) {
        if (!node.keys[i].bad && is_first(node, i)) read_key(node.keys[i], node.items[i], section, owner, path);
    }
    for (const Option& option : section.options) {
        const bool written = std::any_of(node.keys.begin(), node.keys.end(),
                                         [&](const YamlNode& key) { return key.bad || key.text == option.key; });
        if (option.required && !written)
            report_.error(place, path + ": expected the key `" + std::string(option.key) + "`");
    }
}

void ConfigReader::read_option(const Option& option, const YamlNode& node, Place place, void* owner,
                               const std::string& path) {
    if (node.bad) return;
    const Slot slot = option.slot(owner);
    const Value value{option, node, place, path, slot};
    std::visit([&](const auto& member) { read(value, member); }, slot);
}

// ---- sections, lists and mappings

void ConfigReader::read(const Value& value, TextList* member) {
    if (value.node.kind == YamlNode::Kind::nothing) return;
    if (value.node.kind == YamlNode::Kind::scalar) return wrong(value, "; write " + quote("[" + value.node.text + "]"));
    if (!expect(value, YamlNode::Kind::list) || !fits(value, value.node.items.size())) return;
    member->assign(value.node.items.size(), {});  // at its full size now: the places are kept by address
    places_.set(member, value.place);
    for (std::size_t i = 0; i < member->size(); ++i) {
        const YamlNode& item = value.node.items[i];
        const Slot slot = &(*member)[i];
        if (!item.bad) read(Value{value.option, item, item.place, value.path, slot}, &(*member)[i]);
    }
}

void ConfigReader::read(const Value& value, std::optional<TextList>* member) {
    read(value, &member->emplace());
    places_.set(member, value.place);
}

// A key with nothing behind it is an empty section: so a file can have all its inner lines commented out.
void ConfigReader::read(const Value& value, const SectionSlot& section) {
    const auto bare = value.option.section->options.first(value.option.section->bare);
    if (!bare.empty() && value.node.kind == YamlNode::Kind::scalar) {
        for (const Option& option : bare) {
            read_option(option, value.node, value.place, section.owner, value.path);
            if (report_.failed()) return;  // once is enough for a bad value
        }
        return;
    }
    if (value.node.kind == YamlNode::Kind::nothing || expect(value, YamlNode::Kind::map))
        read_section(value.node, value.place, *value.option.section, section.owner, value.path);
}

template <class Use>
void ConfigReader::read_named(const Value& value, Use use) {
    if (value.node.kind == YamlNode::Kind::nothing || !expect(value, YamlNode::Kind::map)) return;
    if (!fits(value, value.node.items.size())) return;
    for (std::size_t i = 0; i < value.node.items.size(); ++i) {
        const YamlNode& key = value.node.keys[i];
        if (key.bad || !is_first(value.node, i)) continue;
        std::string name = key.text;
        if (const Slot slot = &name; plausible_text(value.option.rule, name)) use(name, key, value.node.items[i]);
        else wrong(Value{value.option, key, key.place, value.path, slot});
    }
}

void ConfigReader::read(const Value& value, PoolMap* pools) {
    read_named(value, [&](const std::string& name, const YamlNode& key, const YamlNode& node) {
        const auto pool = pools->try_emplace(name).first;
        places_.set(&pool->first, key.place);
        const Slot slot = SectionSlot{&pool->second};
        const Place place = node.kind == YamlNode::Kind::nothing ? key.place : node.place;
        const std::string path = join(value.path, name);
        if (!node.bad) read(Value{value.option, node, place, path, slot}, std::get<SectionSlot>(slot));
    });
}

// A name, or a pool written in place.
void ConfigReader::read(const Value& value, PoolChoice* choice) {
    if (value.node.kind != YamlNode::Kind::map) return read(value, &choice->name);
    read_section(value.node, value.place, *value.option.section, &choice->in_place[{}], value.path);
}

void ConfigReader::read(const Value& value, TextMap* texts) {
    read_named(value, [&](const std::string& name, const YamlNode& key, const YamlNode& node) {
        const auto entry = texts->try_emplace(name).first;
        places_.set(&entry->first, key.place);
        const Place place = node.kind == YamlNode::Kind::nothing ? key.place : node.place;
        if (!node.bad) read_literal(node, place, join(value.path, name), entry->second);
    });
}

void ConfigReader::read(const Value& value, FilterList* filters) {
    if (value.node.kind == YamlNode::Kind::nothing || !expect(value, YamlNode::Kind::list)) return;
    if (!fits(value, value.node.items.size())) return;
    filters->assign(value.node.items.size(), {});
    const Section& section = *value.option.section;
    for (std::size_t i = 0; i < filters->size(); ++i) {
        const YamlNode& item = value.node.items[i];
        const std::string path = value.path + "[" + std::to_string(i + 1) + "]";
        if (item.bad) continue;
        if (item.kind == YamlNode::Kind::map) read_section(item, item.place, section, &(*filters)[i], path);
        else read_option(section.options.front(), item, item.place, &(*filters)[i], path);
    }
}

void ConfigReader::read(const Value& value, Settings* settings) {
    if (value.node.kind == YamlNode::Kind::nothing || !expect(value, YamlNode::Kind::map)) return;
    *settings = read_settings(value.node, value.path, report_);
    places_.set(settings, value.place);
}

void ConfigReader::read(const Value& value, SettingsSections* sections) {
    read_named(value, [&](const std::string& name, const YamlNode& key, const YamlNode& node) {
        const Slot slot = &(*sections)[name];
        const std::string path = join(value.path, name);
        if (!node.bad) read(Value{value.option, node, node.place, path, slot}, std::get<Settings*>(slot));
        places_.set(std::get<Settings*>(slot), key.place);
    });
}

}  // namespace pythonfilter
