#include "worker/temporary_files.h"

#include "base/change_time.h"
#include "worker/high_fd.h"

#include <algorithm>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>

namespace pythonfilter {

namespace fs = std::filesystem;

bool TemporaryFiles::is_ours(const struct stat& info) const {
    return S_ISDIR(info.st_mode) && info.st_dev == device_ && info.st_ino == inode_;
}

std::vector<std::string> TemporaryFiles::list() const {
    std::vector<std::string> names;
    std::error_code error;
    for (fs::directory_iterator entry(path_, error), end; !error && entry != end; entry.increment(error)) {
        std::string name = entry->path().filename().string();
        if (!baseline_.contains(name) && !kept_.contains(name)) names.push_back(std::move(name));
    }
    return names;
}

void TemporaryFiles::set_baseline() {
    struct stat info{};
    if (path_.empty() || lstat(path_.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) {
        path_.clear();
        return;
    }
    remember(info);
    const auto names = list();
    baseline_ = {names.begin(), names.end()};
}

void TemporaryFiles::remember(const struct stat& info) {
    device_ = info.st_dev;
    inode_ = info.st_ino;
    directory_ = move_high(UniqueFd(open(path_.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)));
    sure_ = false;
}

// A new or removed entry, its removal and its renaming: each changes its time.
bool TemporaryFiles::is_untouched() const {
    struct stat info{};
    return sure_ && fstat(directory_.get(), &info) == 0 && is_ours(info) && info.st_nlink > 0 &&
           same_time(info.st_ctim, looked_at_);
}

void TemporaryFiles::look(bool full) {
    struct stat info{};
    if (path_.empty() || (!full && is_untouched())) return;
    gone_ = lstat(path_.c_str(), &info) != 0 || !is_ours(info);
    if (gone_) {
        leftovers_.clear();
        kept_.clear();
    }
    const bool untouched = sure_ && same_time(info.st_ctim, looked_at_);
    if (untouched || gone_) return;
    looked_at_ = info.st_ctim;
    sure_ = next_change_shows(looked_at_);
    leftovers_ = list();
}

void TemporaryFiles::keep() {
    kept_.insert(leftovers_.begin(), leftovers_.end());
    leftovers_.clear();
}

void TemporaryFiles::release() {
    leftovers_.insert(leftovers_.end(), kept_.begin(), kept_.end());
    kept_.clear();
}

void TemporaryFiles::remove() {
    struct stat info{};
    if (lstat(path_.c_str(), &info) != 0 || !is_ours(info)) return;
    std::error_code ignored;
    for (const std::string& name : leftovers_) fs::remove_all(fs::path(path_) / name, ignored);
    leftovers_.clear();
    sure_ = false;
}

bool TemporaryFiles::make_again() {
    struct stat info{};
    if (mkdir(path_.c_str(), 0700) != 0 || lstat(path_.c_str(), &info) != 0) return false;
    remember(info);
    baseline_.clear();
    kept_.clear();
    return true;
}

}  // namespace pythonfilter
