#include "config/sample_file.h"

#include "config/option_walk.h"

#include <sstream>

namespace pythonfilter {
namespace {

constexpr std::string_view kHead =
    "# Configuration of pythonfilter, a mail filter server for the Courier MTA.\n"
    "#\n"
    "# Every key is shown with its default or an example. To set one, remove the \"#\" before it.\n"
    "# A duration is a whole number with a unit: ms, s, min, h or d. SIGHUP makes the server read this file\n"
    "# again; a few keys need a restart.\n"
    "# `pythonfilter check` reads this file and says what is wrong with it.\n";

constexpr std::size_t kLineWidth = 100;

bool is_pools(const Slot& slot) { return std::holds_alternative<PoolMap*>(slot); }

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

void print_key(std::ostream& out, const std::string& indent, const OptionVisit& visit) {
    if (visit.descends) {
        out << indent << visit.option.key << ":\n";
        if (is_pools(visit.slot)) out << indent << "  " << visit.option.example << ":\n";
        return;
    }
    const std::string dash = !visit.in_element ? "" : visit.first_of_element ? "- " : "  ";
    const std::string example(visit.option.example);
    const std::string value = example.empty() ? default_text(visit.option, visit.slot) : example;
    out << indent << "#" << dash << visit.option.key << ": " << value << '\n';
}

}  // namespace

std::string print_sample_file() {
    std::ostringstream out;
    out << kHead;
    walk_options([&](const OptionVisit& visit) {
        const std::string indent(static_cast<std::size_t>(visit.depth) * 2, ' ');
        out << '\n';
        print_comment(out, indent, std::string(visit.option.text));
        const std::string more = facts_of(visit);
        if (!more.empty()) print_comment(out, indent, more);
        print_key(out, indent, visit);
    });
    return out.str();
}

}  // namespace pythonfilter
