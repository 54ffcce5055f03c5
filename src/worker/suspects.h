// Suspects: the filters that ran since somebody last looked, for the log: "filter a", or "one of the filters a, b".
// Pure. Used by TidyUp.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

namespace pythonfilter {

class Suspects {
public:
    /// `filter` is the name, which outlives this object.
    void add(const std::string& filter) {
        if (std::find(names_.begin(), names_.end(), &filter) == names_.end()) names_.push_back(&filter);
    }
    void forget() { names_.clear(); }

    bool empty() const { return names_.empty(); }
    bool clear() const { return names_.size() == 1; }
    std::string text() const {
        std::string text = clear() ? "filter " : "one of the filters ";
        for (std::size_t i = 0; i < names_.size(); ++i) text += (i ? ", " : "") + *names_[i];
        return text;
    }

private:
    std::vector<const std::string*> names_;  // each once, in the order of their first run
};

}  // namespace pythonfilter
