#include "config/load_report.h"

#include "base/log.h"

#include <algorithm>
#include <tuple>

namespace pythonfilter {

std::vector<std::string> LoadReport::lines(std::vector<Entry> entries) const {
    std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
        return std::tie(a.place.line, a.place.column) < std::tie(b.place.line, b.place.column);
    });
    std::vector<std::string> result;
    const std::string file = escape(file_);
    for (const Entry& entry : entries) {
        std::string where = file;
        if (entry.place.line > 0)
            where += ":" + std::to_string(entry.place.line) + ":" + std::to_string(entry.place.column);
        result.push_back(where + ": " + entry.text);
    }
    result.erase(std::unique(result.begin(), result.end()), result.end());  // a mapping begins where its first key does
    return result;
}

Error LoadReport::errors() const {
    const std::vector<std::string> all = lines(errors_);
    std::string text;
    for (std::size_t i = 0; i < std::min(all.size(), kMaxErrors); ++i) text += (i == 0 ? "" : "\n") + all[i];
    if (all.size() <= kMaxErrors) return Error{text};
    text += "\n" + escape(file_) + ": and " + (errors_full() ? "at least " : "");
    text += std::to_string(all.size() - kMaxErrors) + " more errors";
    return Error{text};
}

std::vector<std::string> LoadReport::warnings() const { return lines(warnings_); }

std::string quote(std::string_view text) {
    constexpr std::size_t kLongest = 60;
    const bool cut = text.size() > kLongest;
    return "`" + escape_field(text.substr(0, kLongest), "`") + (cut ? "...`" : "`");
}

}  // namespace pythonfilter
