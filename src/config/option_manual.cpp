#include "config/option_manual.h"

#include "config/option_text.h"
#include "config/option_walk.h"

#include <sstream>

namespace pythonfilter {
namespace {

constexpr std::string_view kSampleHead =
    "# Configuration of pythonfilter, a mail filter server for the Courier MTA.\n"
    "#\n"
    "# Every key is shown with its default or an example. To set one, remove the \"#\" before it.\n"
    "# A duration is a whole number with a unit: ms, s, min, h or d.\n"
    "# `pythonfilter check` reads this file and says what is wrong with it.\n";

constexpr std::size_t kLineWidth = 100;

bool is_list_of_filters(const Slot& slot) { return std::holds_alternative<FilterList*>(slot); }
bool is_map_of_pools(const Slot& slot) { return std::holds_alternative<PoolMap*>(slot); }
bool has_value(const Slot& slot) {
    return !std::holds_alternative<SectionSlot>(slot) && !is_list_of_filters(slot) && !is_map_of_pools(slot);
}

// "From 1s to 9min. Default 4min. A change needs a restart."
std::string facts(const OptionVisit& visit) {
    if (!has_value(visit.slot)) return {};
    std::string expected = describe_expected(visit.option, visit.slot);
    if (expected.front() >= 'a' && expected.front() <= 'z') expected.front() = static_cast<char>(expected.front() - 32);
    const bool is_choice = std::holds_alternative<ChoiceSlot>(visit.slot);
    std::string text = is_choice ? "One of " + describe_expected(visit.option, visit.slot) : expected;
    text += visit.option.required ? "; required." : "; default: " + default_text(visit.option, visit.slot) + ".";
    if (!visit.option.reloadable) text += " A change needs a restart.";
    return text;
}

void print_comment(std::ostream& out, const std::string& indent, const std::string& text) {
    std::istringstream words(text);
    std::string line = indent + "#";
    for (std::string word; words >> word;) {
        if (line.size() + 1 + word.size() > kLineWidth) {
            out << line << '\n';
            line = indent + "#";
        }
        line += " " + word;
    }
    out << line << '\n';
}

void print_sample_key(std::ostream& out, const OptionVisit& visit) {
    const std::string indent(static_cast<std::size_t>(visit.depth) * 2, ' ');
    const std::string key(visit.option.key);
    if (visit.descends) {
        out << indent << key << ":\n";
        if (is_map_of_pools(visit.slot)) out << indent << "  " << visit.option.example << ":\n";
        return;
    }
    const std::string dash = !visit.in_element ? "" : visit.first_of_element ? "- " : "  ";
    const std::string value(visit.option.example.empty() ? default_text(visit.option, visit.slot) : visit.option.example);
    out << indent << "#" << dash << key << ": " << value << '\n';
}

// Backquotes become bold; a dot or quote at the start of a line would be a macro.
std::string roff(std::string_view text) {
    std::string out;
    bool bold = false;
    for (const char c : text) {
        if (c == '`') {
            out += bold ? "\\fR" : "\\fB";
            bold = !bold;
        } else if (c == '\\') {
            out += "\\e";
        } else if (out.empty() && (c == '.' || c == '\'')) {
            out += std::string("\\&") + c;
        } else {
            out += c;
        }
    }
    return out;
}

}  // namespace

std::string print_manual_options() {
    std::ostringstream out;
    out << ".Bl -tag -width Ds\n";
    walk_options([&](const OptionVisit& visit) {
        out << ".It Ic " << roff(visit.path) << '\n' << roff(visit.option.text) << '\n';
        const std::string more = facts(visit);
        if (!more.empty()) out << ".br\n" << roff(more) << '\n';
    });
    out << ".El\n";
    return out.str();
}

std::string print_sample_file() {
    std::ostringstream out;
    out << kSampleHead;
    walk_options([&](const OptionVisit& visit) {
        const std::string indent(static_cast<std::size_t>(visit.depth) * 2, ' ');
        out << '\n';
        print_comment(out, indent, std::string(visit.option.text));
        const std::string more = facts(visit);
        if (!more.empty()) print_comment(out, indent, more);
        print_sample_key(out, visit);
    });
    return out.str();
}

}  // namespace pythonfilter
