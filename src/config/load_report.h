// LoadReport: the errors and warnings of one configuration file, each with its place, so that the administrator sees
// all of them at once. Places: where in the file each member of a Config was written, for checks that compare several
// keys. Used by both loaders and complete_config(); nothing here is logged.
#pragma once

#include "base/result.h"

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace pythonfilter {

/// Counted from 1, columns in bytes. Line 0: the file as a whole.
struct Place {
    int line = 0;
    int column = 0;
};

class LoadReport {
public:
    explicit LoadReport(std::string file) : file_(std::move(file)) {}

    /// `text` is complete but for the place, and safe to print: what comes from the file went through quote().
    void error(Place place, std::string text) {
        if (!errors_full()) errors_.push_back({place, std::move(text)});
    }
    void warning(Place place, std::string text) {
        if (!warnings_full()) warnings_.push_back({place, std::move(text)});
    }

    bool failed() const { return !errors_.empty(); }
    /// All errors in the order of the file, one a line, at most kMaxErrors.
    Error errors() const;
    /// All warnings in the order of the file.
    std::vector<std::string> warnings() const;

    /// More are not kept, so who looks for them can stop: rubbish must not cost time and memory without end.
    bool errors_full() const { return errors_.size() == kMaxKept; }
    bool warnings_full() const { return warnings_.size() == kMaxKept; }

    static constexpr std::size_t kMaxErrors = 20;
    static constexpr std::size_t kMaxKept = 200;

private:
    struct Entry {
        Place place;
        std::string text;
    };
    std::vector<std::string> lines(std::vector<Entry> entries) const;

    std::string file_;
    std::vector<Entry> errors_;
    std::vector<Entry> warnings_;
};

/// Text from outside between backquotes: escaped, and cut when it is long.
std::string quote(std::string_view text);

/// The place of each member that the file sets. The key is the member's address, so the Config must not be copied
/// before the last look-up (moving its vectors is fine).
class Places {
public:
    void set(const void* member, Place place) { places_[member] = place; }
    bool has(const void* member) const { return places_.contains(member); }
    /// Line 0 when the file does not set it.
    Place of(const void* member) const {
        const auto found = places_.find(member);
        return found == places_.end() ? Place{} : found->second;
    }

private:
    std::unordered_map<const void*, Place> places_;
};

}  // namespace pythonfilter
