#include "worker/temporary_files.h"

#include <algorithm>
#include <filesystem>
#include <sys/stat.h>

namespace pythonfilter {
namespace {

namespace fs = std::filesystem;

// The clock of file systems ticks up to every 10 ms: two changes within a tick leave the same time.
constexpr long long kTick = 20'000'000;

long long nanoseconds(const timespec& time) { return time.tv_sec * 1'000'000'000LL + time.tv_nsec; }

long long now() {
    timespec time{};
    clock_gettime(CLOCK_REALTIME_COARSE, &time);
    return nanoseconds(time);
}

}  // namespace

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
    device_ = info.st_dev;
    inode_ = info.st_ino;
    const auto names = list();
    baseline_ = {names.begin(), names.end()};
}

void TemporaryFiles::look() {
    struct stat info{};
    if (path_.empty()) return;
    gone_ = lstat(path_.c_str(), &info) != 0 || !is_ours(info);
    if (gone_) {
        leftovers_.clear();
        kept_.clear();
    }
    const bool untouched = sure_ && nanoseconds(info.st_mtim) == nanoseconds(looked_at_);
    if (untouched || gone_) return;
    looked_at_ = info.st_mtim;
    sure_ = std::abs(now() - nanoseconds(info.st_mtim)) > kTick;
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
    device_ = info.st_dev;
    inode_ = info.st_ino;
    baseline_.clear();
    kept_.clear();
    return true;
}

}  // namespace pythonfilter
