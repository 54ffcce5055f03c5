#include "config/manual_page.h"

#include "config/option_walk.h"

#include <istream>
#include <sstream>

namespace pythonfilter {

std::string manual_text(std::string_view text) {
    std::string result;
    bool bold = false;
    for (const char c : text) {
        if (c == '`') {
            bold = !bold;
            result += bold ? "\\fB" : "\\fR";
        } else if (c == '\\') {
            result += "\\e";
        } else if (c == '-') {
            result += "\\-";
        } else {
            result += c;
        }
    }
    const bool is_command = !result.empty() && (result.front() == '.' || result.front() == '\'');
    return is_command ? "\\&" + result : result;
}

bool fill_in_page(std::istream& page, std::string_view mark, const std::string& made, std::ostream& out) {
    bool found = false;
    for (std::string line; std::getline(page, line);) {
        found = found || line == mark;
        if (line == mark) out << made;
        else out << line << '\n';
    }
    return found;
}

std::string print_manual_options() {
    std::ostringstream out;
    walk_options([&](const OptionVisit& visit) {
        if (visit.depth == 0) out << ".SS " << manual_text(visit.path) << '\n';
        else out << ".TP\n.B " << manual_text(visit.path) << '\n';
        out << manual_text(visit.option.text) << '\n';
        const std::string facts = facts_of(visit);
        if (!facts.empty()) out << ".br\n" << manual_text(facts) << '\n';
        if (!visit.option.example.empty() && !visit.descends)
            out << ".br\nExample: " << manual_text(visit.option.example) << '\n';
    });
    return out.str();
}

}  // namespace pythonfilter
