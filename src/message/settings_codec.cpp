#include "message/settings_codec.h"

#include <bit>

namespace pythonfilter {
namespace {

enum class Tag : std::uint8_t { nothing, no, yes, whole, real, text, list, map };

void put_tag(ByteWriter& out, Tag tag) { out.put(static_cast<std::uint8_t>(tag)); }

void put_count(ByteWriter& out, std::size_t count) { out.put(static_cast<std::uint32_t>(count)); }

void put_value(ByteWriter& out, const SettingValue& value);

struct Put {
    ByteWriter& out;

    void operator()(std::monostate) const { put_tag(out, Tag::nothing); }
    void operator()(bool flag) const { put_tag(out, flag ? Tag::yes : Tag::no); }
    void operator()(std::int64_t number) const {
        put_tag(out, Tag::whole);
        out.put(number);
    }
    void operator()(double number) const {
        put_tag(out, Tag::real);
        out.put(std::bit_cast<std::uint64_t>(number));
    }
    void operator()(const std::string& text) const {
        put_tag(out, Tag::text);
        out.put_string(text);
    }
    void operator()(const SettingValue::List& list) const {
        put_tag(out, Tag::list);
        put_count(out, list.size());
        for (const SettingValue& item : list) put_value(out, item);
    }
    void operator()(const SettingValue::Map& map) const {
        put_tag(out, Tag::map);
        put_count(out, map.size());
        for (const SettingEntry& entry : map) {
            std::visit(*this, entry.key);
            put_value(out, entry.value);
        }
    }
};

void put_value(ByteWriter& out, const SettingValue& value) { std::visit(Put{out}, value.value); }

// Reads values until one makes no sense; then ok() is false and all further ones are null.
class ValueReader {
public:
    explicit ValueReader(ByteReader& in) : in_(in) {}

    SettingValue value(std::size_t depth) {
        const auto tag = in_.get<std::uint8_t>();
        if (tag > static_cast<std::uint8_t>(Tag::map)) ok_ = false;
        if (!ok()) return {};
        switch (static_cast<Tag>(tag)) {
            case Tag::nothing: return {};
            case Tag::no: return {false};
            case Tag::yes: return {true};
            case Tag::whole: return {in_.get<std::int64_t>()};
            case Tag::real: return {std::bit_cast<double>(in_.get<std::uint64_t>())};
            case Tag::text: return {in_.get_string()};
            case Tag::list: return {list(depth)};
            case Tag::map: return {map(depth)};
        }
        return {};
    }

    bool ok() const { return ok_ && !in_.failed(); }

private:
    std::uint32_t enter(std::size_t depth, std::size_t element_size) {
        if (depth == kMaxSettingDepth) ok_ = false;
        return ok_ ? in_.get_count(element_size) : 0;
    }

    SettingValue::List list(std::size_t depth) {
        SettingValue::List list;
        for (auto left = enter(depth, 1); left > 0 && ok(); --left) list.push_back(value(depth + 1));
        return list;
    }

    SettingValue::Map map(std::size_t depth) {
        SettingValue::Map map;
        for (auto left = enter(depth, 2); left > 0 && ok(); --left) {
            SettingEntry entry;
            const SettingValue key = value(kMaxSettingDepth);
            if (const auto* number = std::get_if<std::int64_t>(&key.value)) entry.key = *number;
            else if (const auto* text = std::get_if<std::string>(&key.value)) entry.key = *text;
            else ok_ = false;
            entry.value = value(depth + 1);
            map.push_back(std::move(entry));
        }
        return map;
    }

    ByteReader& in_;
    bool ok_ = true;
};

constexpr std::size_t kLeastEntry = 4 + 4 + 1;  // key, line and value

// Keys come in the order of the map, so that there is one way to write a section.
template <class Map>
bool add(Map& map, std::string key, typename Map::mapped_type value) {
    if (!map.empty() && key <= map.rbegin()->first) return false;
    map.emplace_hint(map.end(), std::move(key), std::move(value));
    return true;
}

bool get_section(ByteReader& in, Settings& settings) {
    ValueReader values(in);
    for (auto left = in.get_count(kLeastEntry); left > 0; --left) {
        std::string key = in.get_string();
        const auto line = in.get<std::uint32_t>();
        SettingValue value = values.value(0);
        if (!values.ok() || line > INT32_MAX) return false;
        if (!add(settings, std::move(key), {std::move(value), static_cast<int>(line)})) return false;
    }
    return !in.failed();
}

}  // namespace

void put_settings(ByteWriter& out, const SettingsSections& sections) {
    put_count(out, sections.size());
    for (const auto& [name, settings] : sections) {
        out.put_string(name);
        put_count(out, settings.size());
        for (const auto& [key, setting] : settings) {
            out.put_string(key);
            out.put(static_cast<std::uint32_t>(setting.line));
            put_value(out, setting.value);
        }
    }
}

std::optional<SettingsSections> get_settings(ByteReader& in) {
    SettingsSections sections;
    for (auto left = in.get_count(8); left > 0; --left) {
        std::string name = in.get_string();
        Settings settings;
        if (!get_section(in, settings) || !add(sections, std::move(name), std::move(settings))) return std::nullopt;
    }
    if (in.failed()) return std::nullopt;
    return sections;
}

}  // namespace pythonfilter
