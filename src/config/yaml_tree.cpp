// yaml-cpp's event interface is used, because aliases are not expanded there and nesting can be stopped: the handler
// throws before the parser goes deeper.
#include "config/yaml_tree.h"

#include "base/log.h"

#include <algorithm>
#include <sstream>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

namespace pythonfilter {
namespace {

using YAML::Mark;
using Anchor = YAML::anchor_t;
using Style = YAML::EmitterStyle::value;

constexpr std::size_t kMaxDepth = 16;         // the deepest key of the table is at 4
constexpr std::size_t kMaxSize = 1024 * 1024;

Place place_of(const Mark& mark) { return mark.is_null() ? Place{} : Place{mark.line + 1, mark.column + 1}; }

class TreeBuilder : public YAML::EventHandler {
public:
    TreeBuilder(std::string_view text, LoadReport& report) : text_(text), report_(report) {}

    void OnDocumentStart(const Mark&) override {}
    void OnDocumentEnd() override {}
    void OnNull(const Mark& mark, Anchor anchor) override { add(node(YamlNode::Kind::nothing, mark, "", anchor)); }
    void OnAlias(const Mark& mark, Anchor) override {
        report_.error(place_of(mark), "aliases (*name) are not supported: write the value again");
        YamlNode alias = node(YamlNode::Kind::nothing, mark, "", YAML::NullAnchor);
        alias.bad = true;
        add(std::move(alias));
    }
    void OnScalar(const Mark& mark, const std::string& tag, Anchor anchor, const std::string& value) override {
        YamlNode scalar = node(YamlNode::Kind::scalar, mark, tag, anchor);
        scalar.quoted = tag == "!";
        scalar.text = value;
        add(std::move(scalar));
    }
    void OnSequenceStart(const Mark& mark, const std::string& tag, Anchor anchor, Style) override {
        open(node(YamlNode::Kind::list, mark, tag, anchor), mark);
    }
    void OnSequenceEnd() override { close(); }
    void OnMapStart(const Mark& mark, const std::string& tag, Anchor anchor, Style) override {
        open(node(YamlNode::Kind::map, mark, tag, anchor), mark);
    }
    void OnMapEnd() override { close(); }

    YamlNode take_root() { return std::move(root_); }

private:
    YamlNode node(YamlNode::Kind kind, const Mark& mark, const std::string& tag, Anchor anchor);
    void open(YamlNode collection, const Mark& mark);
    void close();
    void add(YamlNode child);
    void add_key(YamlNode& map, YamlNode key);
    bool starts_with_tag(const Mark& mark) const {
        const auto at = static_cast<std::size_t>(mark.pos);
        return mark.pos >= 0 && at < text_.size() && text_[at] == '!';
    }

    std::string_view text_;
    LoadReport& report_;
    YamlNode root_;
    std::vector<YamlNode> open_;  // collections that have not ended, outermost first; at most kMaxDepth
};

// yaml-cpp gives the tag "!" to everything in quotes; only the text tells whether the author wrote it.
YamlNode TreeBuilder::node(YamlNode::Kind kind, const Mark& mark, const std::string& tag, Anchor anchor) {
    YamlNode result;
    result.kind = kind;
    result.place = place_of(mark);
    if (anchor != YAML::NullAnchor) {
        report_.error(result.place, "anchors (&name) are not supported");
        result.bad = true;
    } else if ((!tag.empty() && tag != "?" && tag != "!") || starts_with_tag(mark)) {
        report_.error(result.place, "tags (!name) are not supported");
        result.bad = true;
    }
    return result;
}

void TreeBuilder::open(YamlNode collection, const Mark& mark) {
    if (open_.size() == kMaxDepth) throw YAML::ParserException(mark, "nested too deeply");
    open_.push_back(std::move(collection));
}

void TreeBuilder::close() {
    YamlNode done = std::move(open_.back());
    open_.pop_back();
    add(std::move(done));
}

void TreeBuilder::add(YamlNode child) {
    if (open_.empty()) {
        root_ = std::move(child);
        return;
    }
    YamlNode& parent = open_.back();
    const bool key_is_next = parent.kind == YamlNode::Kind::map && parent.keys.size() == parent.items.size();
    if (key_is_next) add_key(parent, std::move(child));
    else parent.items.push_back(std::move(child));
}

void TreeBuilder::add_key(YamlNode& map, YamlNode key) {
    if (!key.bad && key.kind != YamlNode::Kind::scalar) {
        report_.error(key.place, "expected a key, a word before a colon");
        key.bad = true;
    } else if (!key.quoted && key.text == "<<") {
        report_.error(key.place, "merge keys (<<) are not supported");
        key.bad = true;
    }
    map.keys.push_back(std::move(key));
}

// The first byte that is no text: a control character or broken UTF-8. escape() knows both, and leaves all else as it
// is but for the backslash, at which the text is cut here, as at the three control characters that may stand in YAML.
std::size_t find_rubbish(std::string_view text) {
    std::size_t start = 0;
    while (start <= text.size()) {
        const std::size_t end = std::min(text.find_first_of("\t\r\n\\", start), text.size());
        const std::string_view piece = text.substr(start, end - start);
        const std::string escaped = escape(piece);
        if (escaped != piece) {
            const auto differ = std::mismatch(piece.begin(), piece.end(), escaped.begin(), escaped.end());
            return start + static_cast<std::size_t>(differ.first - piece.begin());
        }
        start = end + 1;
    }
    return std::string_view::npos;
}

bool is_text(std::string_view text, LoadReport& report) {
    if (text.size() > kMaxSize) {
        report.error({}, "expected a configuration file, found one of more than 1 MiB");
        return false;
    }
    const std::size_t at = find_rubbish(text);
    if (at == std::string_view::npos) return true;
    const std::string_view before = text.substr(0, at);
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
    report.error({static_cast<int>(line), static_cast<int>(at - line_start) + 1},
                 "expected text in UTF-8, found the byte " + escape(text.substr(at, 1)));
    return false;
}

// The commonest reason for an error of yaml-cpp, which never says so. `line` counts from 0.
bool indented_by_tab(std::string_view text, int line) {
    for (; line > 0 && !text.empty(); --line) text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
    const std::size_t end = text.find_first_not_of(" \t");
    return text.substr(0, end).find('\t') != std::string_view::npos;
}

// A second document is looked for only to refuse it: what it holds is of no interest.
class SecondDocument : public YAML::EventHandler {
public:
    explicit SecondDocument(LoadReport& report) : report_(report) {}
    void OnDocumentStart(const Mark& mark) override {
        report_.error(place_of(mark), "expected one document, found a second one");
        throw Found{};
    }
    void OnDocumentEnd() override {}
    void OnNull(const Mark&, Anchor) override {}
    void OnAlias(const Mark&, Anchor) override {}
    void OnScalar(const Mark&, const std::string&, Anchor, const std::string&) override {}
    void OnSequenceStart(const Mark&, const std::string&, Anchor, Style) override {}
    void OnSequenceEnd() override {}
    void OnMapStart(const Mark&, const std::string&, Anchor, Style) override {}
    void OnMapEnd() override {}

    struct Found {};

private:
    LoadReport& report_;
};

}  // namespace

YamlNode parse_yaml(std::string_view text, LoadReport& report) {
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);  // a byte order mark would shift the columns
    if (!is_text(text, report)) return {};
    TreeBuilder builder(text, report);
    try {
        std::istringstream stream{std::string(text)};
        YAML::Parser parser(stream);
        if (!parser.HandleNextDocument(builder)) return {};
        SecondDocument second(report);
        parser.HandleNextDocument(second);
    } catch (const SecondDocument::Found&) {
        // reported
    } catch (const YAML::Exception& e) {
        const char* hint = indented_by_tab(text, e.mark.line) ? "; indent with blanks, not with tabs" : "";
        report.error(place_of(e.mark), "not valid YAML: " + escape(e.msg) + hint);
    } catch (const std::exception& e) {
        report.error({}, std::string("cannot be read as YAML: ") + escape(e.what()));
    }
    return builder.take_root();
}

}  // namespace pythonfilter
