#include "config/legacy_loader.h"

#include "config/complete_config.h"
#include "config/load_report.h"
#include "config/option_text.h"

#include <algorithm>

namespace pythonfilter {
namespace {

constexpr std::string_view kBlanks = " \t\r\v\f";
constexpr std::size_t kMaxFilters = 500;
constexpr std::size_t kMaxNames = 500;  // behind one `for`

struct Word {
    std::string_view text;
    Place place;
};

// The words of a line up to the first that begins with #. A # inside a word does not begin a comment.
std::vector<Word> split(std::string_view line, int number) {
    std::vector<Word> words;
    std::size_t at = 0;
    while ((at = line.find_first_not_of(kBlanks, at)) != std::string_view::npos && line[at] != '#') {
        const std::size_t end = std::min(line.find_first_of(kBlanks, at), line.size());
        words.push_back({line.substr(at, end - at), {number, static_cast<int>(at) + 1}});
        at = end;
    }
    return words;
}

// A filter of one line with the places of its words; they go into Places when the chain has its final address.
struct Line {
    std::vector<Word> words;
    bool has_for() const { return words.size() > 1 && words[1].text == "for"; }
};

std::vector<Line> split_lines(std::string_view text) {
    std::vector<Line> lines;
    int number = 0;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        std::vector<Word> words = split(text.substr(0, end), ++number);
        if (!words.empty()) lines.push_back({std::move(words)});
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return lines;
}

void take_name(const Word& word, std::string& name, Places& places, LoadReport& report) {
    places.set(&name, word.place);
    if (plausible_text(TextRule::module, word.text)) {
        name = word.text;
    } else {
        report.error(word.place, "expected " + describe_text(TextRule::module) + ", found " + quote(word.text));
    }
}

void take_line(const Line& line, FilterConfig& filter, Places& places, LoadReport& report) {
    take_name(line.words.front(), filter.filter, places, report);
    if (!line.has_for()) {
        if (line.words.size() > 1)
            report.warning(line.words[1].place, "expected `for` or the end of the line; " +
                                                    quote(line.words[1].text) + " and what follows is ignored");
        return;
    }
    if (line.words.size() - 2 > kMaxNames) {
        report.error(line.words[1].place, "expected at most " + std::to_string(kMaxNames) + " names after `for`");
        return;
    }
    filter.bypass.emplace(line.words.size() - 2);
    for (std::size_t i = 2; i < line.words.size(); ++i)
        take_name(line.words[i], (*filter.bypass)[i - 2], places, report);
}

}  // namespace

Result<Config> load_legacy(std::string_view text, const std::string& file, Config start) {
    Config config = std::move(start);
    config.file = file;
    config.legacy = true;
    config.pools["default"];
    LoadReport report(file);
    Places places;
    const std::vector<Line> lines = split_lines(text);
    if (lines.size() > kMaxFilters) {
        report.error(lines[kMaxFilters].words.front().place,
                     "expected at most " + std::to_string(kMaxFilters) + " filters");
        return report.errors();
    }
    config.filters.assign(lines.size(), {});
    for (std::size_t i = 0; i < lines.size(); ++i) take_line(lines[i], config.filters[i], places, report);
    complete_config(config, places, report);
    if (report.failed()) return report.errors();
    return config;
}

}  // namespace pythonfilter
