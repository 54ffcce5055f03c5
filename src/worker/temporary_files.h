// TemporaryFiles: what filters leave in their worker's own TMPDIR, which is emptied after each message. What was there
// when the worker became ready belongs to init_filter and stays. Used by TidyUp. It never follows a link, and touches
// nothing when the directory is not the one that was made for this worker.
#pragma once

#include "base/unique_fd.h"

#include <ctime>
#include <set>
#include <string>
#include <sys/stat.h>
#include <sys/types.h>
#include <vector>

namespace pythonfilter {

class TemporaryFiles {
public:
    /// `path` may be empty: there is none of its own, and nothing is ever removed.
    explicit TemporaryFiles(std::string path) : path_(std::move(path)) {}

    void set_baseline();
    /// Looks for entries that are too many. One fstat() when nobody wrote there; `full` also finds out that a directory
    /// above it has been renamed.
    void look(bool full);
    /// How many there are.
    std::size_t count() const { return leftovers_.size(); }
    /// One of them, for the log.
    const std::string& example() const { return leftovers_.front(); }
    void remove();
    /// They are no longer too many: somebody may need them, until release().
    void keep();
    void release();
    /// At the last look, the directory was not there, or another one.
    bool gone() const { return gone_; }
    bool make_again();

private:
    bool is_ours(const struct stat& info) const;
    bool is_untouched() const;
    void remember(const struct stat& info);
    std::vector<std::string> list() const;

    std::string path_;
    UniqueFd directory_;      // a filter may close it
    dev_t device_ = 0;
    ino_t inode_ = 0;
    timespec looked_at_{};    // its time of change, at the last list
    bool gone_ = false;
    bool sure_ = false;       // that a later change would have changed that time
    std::set<std::string> baseline_, kept_;
    std::vector<std::string> leftovers_;
};

}  // namespace pythonfilter
