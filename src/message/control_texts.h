// What has been read of the control files of one message, one text behind the other, so that nobody need read it again.
// The memory stays for the texts of the next message. Filled where the worker reads them for the log.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pythonfilter {

class ControlTexts {
public:
    /// Some 15,000 recipients; the texts of larger messages are kept in part.
    static constexpr std::size_t kRoom = 1024 * 1024;

    void clear() {
        bytes_.clear();
        ends_.clear();
        full_ = false;
    }
    /// That of the next file.
    void add(std::string_view text) {
        full_ = full_ || text.size() > kRoom - bytes_.size();
        if (full_) return;
        bytes_ += text;
        ends_.push_back(bytes_.size());
    }
    /// That of the n-th file, from 0, until the next add() or clear(). None for one that had no room, and those behind.
    std::optional<std::string_view> of(std::size_t file) const {
        if (file >= ends_.size()) return {};
        const std::size_t begin = file == 0 ? 0 : ends_[file - 1];
        return std::string_view(bytes_).substr(begin, ends_[file] - begin);
    }

private:
    std::string bytes_;
    std::vector<std::size_t> ends_;  // of each text in them
    bool full_ = false;
};

}  // namespace pythonfilter
