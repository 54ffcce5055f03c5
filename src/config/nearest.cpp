#include "config/nearest.h"

#include <algorithm>
#include <vector>

namespace pythonfilter {
namespace {

// Longer names are not compared: the time is quadratic, and the text may be rubbish.
constexpr std::size_t kLongestName = 64;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// Optimal string alignment: three rows of the edit-distance matrix, the third for swapped neighbours.
std::size_t typing_errors(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before(b.size() + 1), above(b.size() + 1), row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) above[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const bool same = lower(a[i - 1]) == lower(b[j - 1]);
            row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (same ? 0 : 1)});
            const bool swapped = i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
                                 lower(a[i - 2]) == lower(b[j - 1]);
            if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
        }
        before.swap(above);
        above.swap(row);
    }
    return above[b.size()];
}

}  // namespace

std::string_view nearest_name(std::string_view wrong, std::span<const std::string_view> known) {
    std::string_view best;
    if (wrong.empty() || wrong.size() > kLongestName) return best;
    std::size_t fewest = 2 + wrong.size() / 4;  // one error is allowed in a short name, one more for each four letters
    for (const std::string_view name : known) {
        if (name.size() > kLongestName) continue;
        const std::size_t errors = typing_errors(wrong, name);
        if (errors >= fewest || errors >= wrong.size()) continue;
        fewest = errors;
        best = name;
    }
    return best;
}

std::string did_you_mean(std::string_view wrong, std::span<const std::string_view> known) {
    const std::string_view name = nearest_name(wrong, known);
    return name.empty() ? std::string() : "; did you mean `" + std::string(name) + "`?";
}

}  // namespace pythonfilter
