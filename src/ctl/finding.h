// What the doctor found: a sentence, and the command or the act that mends it.
#pragma once

#include <string>
#include <vector>

namespace pythonfilter {

struct Finding {
    enum class Level { good, warning, error };
    Level level = Level::good;
    std::string text;
    std::string mend;  // empty when it is good
};
using Findings = std::vector<Finding>;

inline Finding good(std::string text) { return {Finding::Level::good, std::move(text), {}}; }
inline Finding warning(std::string text, std::string mend) {
    return {Finding::Level::warning, std::move(text), std::move(mend)};
}
inline Finding error(std::string text, std::string mend) {
    return {Finding::Level::error, std::move(text), std::move(mend)};
}

}  // namespace pythonfilter
