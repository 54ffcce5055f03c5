// The part of ConfigReader that reads single values and says what is wrong with one.
#include "config/config_reader.h"
#include "config/nearest.h"
#include "config/option_text.h"
#include "config/plain_scalar.h"

#include <algorithm>

namespace pythonfilter {
namespace {

constexpr std::size_t kMaxVariable = 4096;  // bytes; a hundred of them fit into any program's environment

}  // namespace

std::string describe_found(const YamlNode& node) {
    switch (node.kind) {
        case YamlNode::Kind::nothing: return "nothing";
        case YamlNode::Kind::list: return "a list";
        case YamlNode::Kind::map: return "a mapping";
        case YamlNode::Kind::scalar: break;
    }
    return quote(node.text) + (node.quoted ? " in quotes" : "");
}

void ConfigReader::wrong(const Value& value, const std::string& more) {
    report_.error(value.place, value.path + ": expected " + describe_expected(value.option, value.slot) + ", found " +
                                   describe_found(value.node) + more);
}

bool ConfigReader::expect(const Value& value, YamlNode::Kind kind) {
    if (value.node.kind != kind) wrong(value);
    return value.node.kind == kind;
}

bool ConfigReader::fits(const Value& value, std::size_t count) {
    if (count <= static_cast<std::size_t>(value.option.max)) return true;
    report_.error(value.place, value.path + ": expected at most " + std::to_string(value.option.max) + ", found " +
                                   std::to_string(count));
    return false;
}

void ConfigReader::read(const Value& value, int* member) {
    const bool plain = value.node.kind == YamlNode::Kind::scalar && !value.node.quoted;
    const auto number = plain ? parse_whole_number(value.node.text) : std::nullopt;
    if (!number || *number < value.option.min || *number > value.option.max) return wrong(value);
    *member = static_cast<int>(*number);
    places_.set(member, value.place);
}

void ConfigReader::read(const Value& value, std::optional<int>* member) {
    constexpr int nothing = -1;  // below every lower bound
    int number = nothing;
    read(value, &number);
    if (number == nothing) return;
    *member = number;
    places_.set(member, value.place);
}

void ConfigReader::read(const Value& value, std::optional<ByteSize>* member) {
    const auto size = parse_size(value.node.text);
    if (value.node.kind != YamlNode::Kind::scalar || !size || size->bytes < value.option.min ||
        size->bytes > value.option.max)
        return wrong(value);
    *member = *size;
    places_.set(member, value.place);
}

void ConfigReader::read(const Value& value, bool* member) {
    const bool yes = value.node.text == "true";
    if (value.node.kind != YamlNode::Kind::scalar || value.node.quoted || (!yes && value.node.text != "false"))
        return wrong(value);
    *member = yes;
    places_.set(member, value.place);
}

void ConfigReader::read(const Value& value, Duration* member) {
    const auto duration = parse_duration(value.node.text);
    if (value.node.kind != YamlNode::Kind::scalar || !duration || duration->count() < value.option.min ||
        duration->count() > value.option.max)
        return wrong(value);
    *member = *duration;
    places_.set(member, value.place);
}

void ConfigReader::read(const Value& value, std::optional<Duration>* member) {
    Duration duration{-1};
    read(value, &duration);
    if (duration.count() < 0) return;
    *member = duration;
    places_.set(member, value.place);
}

void ConfigReader::read(const Value& value, std::string* member) {
    if (!expect(value, YamlNode::Kind::scalar)) return;
    if (!plausible_text(value.option.rule, value.node.text)) return wrong(value);
    *member = value.node.text;
    places_.set(member, value.place);
}

// The text as it is written: a number is the digits that stand there. What readers of YAML do not agree about, and what
// is no text to any of them, needs quotes.
void ConfigReader::read_literal(const YamlNode& node, Place place, const std::string& path, std::string& text) {
    const auto refuse = [&](const std::string& expected) {
        report_.error(place, path + ": expected " + expected + ", found " + describe_found(node));
    };
    if (node.kind != YamlNode::Kind::scalar) return refuse("a text; an empty one is \"\"");
    if (!node.quoted) {
        const auto plain = read_plain_scalar(node.text);
        if (!plain) return refuse(plain.error().text);
        const bool is_word = std::holds_alternative<std::monostate>(plain->value) ||
                             std::holds_alternative<bool>(plain->value);
        if (is_word) return refuse("a text or, for this word, the same in quotes");
    }
    if (node.text.size() > kMaxVariable || node.text.find('\0') != std::string::npos)
        return refuse("at most " + std::to_string(kMaxVariable) + " bytes without a NUL");
    text = node.text;
}

void ConfigReader::read(const Value& value, const ChoiceSlot& choice) {
    const auto words = value.option.words;
    const auto word = std::find(words.begin(), words.end(), value.node.text);
    if (value.node.kind != YamlNode::Kind::scalar || word == words.end())
        return wrong(value, did_you_mean(value.node.text, words));
    choice.set(choice.member, static_cast<int>(word - words.begin()));
    places_.set(choice.member, value.place);
}

}  // namespace pythonfilter
