// UniqueFd owns a descriptor: given by value it gives the descriptor away; an `int` parameter only lends one.
#pragma once

#include <utility>

namespace pythonfilter {

class UniqueFd {
public:
    UniqueFd() = default;
    explicit UniqueFd(int fd) : fd_(fd) {}
    UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
    UniqueFd& operator=(UniqueFd&& other) noexcept {
        if (this != &other) reset(other.release());
        return *this;
    }
    UniqueFd(const UniqueFd&) = delete;
    UniqueFd& operator=(const UniqueFd&) = delete;
    ~UniqueFd() { reset(); }

    int get() const { return fd_; }
    explicit operator bool() const { return fd_ >= 0; }
    int release() { return std::exchange(fd_, -1); }
    /// Closes what it owns. Keeps errno, so that it may stand between a failed call and its report.
    void reset(int fd = -1);

private:
    int fd_ = -1;
};

}  // namespace pythonfilter
