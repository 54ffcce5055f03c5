#include "worker/standard_fds.h"

#include "worker/high_fd.h"

#include <cstdlib>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace pythonfilter {
namespace {

constexpr int kStandardFds[] = {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO};

std::string read_open() {
    std::string open;
    for (const int fd : kStandardFds) open += fcntl(fd, F_GETFD) >= 0 ? '1' : '0';
    return open;
}

// What each leads to, and whether it blocks.
std::string target_of(int fd) {
    struct stat info{};
    if (fstat(fd, &info) != 0) return "closed ";
    const int nonblocking = fcntl(fd, F_GETFL) & O_NONBLOCK;
    return std::to_string(info.st_dev) + ":" + std::to_string(info.st_ino) + (nonblocking ? "n " : " ");
}

std::string read_targets() {
    std::string targets;
    for (const int fd : kStandardFds) targets += target_of(fd);
    return targets;
}

}  // namespace

StandardFds::StandardFds(UniqueFd error) : error_(move_out_of_reach(std::move(error))) {
    for (const int fd : kStandardFds) close(fd);
    for (const int fd : kStandardFds) install(fd);
}

// Lowest first: open() takes the lowest free number.
void StandardFds::install(int fd) const {
    if (fd != STDIN_FILENO) {
        dup2(error_.get(), fd);
        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
        return;
    }
    const int null = open("/dev/null", O_RDWR);
    if (null > STDIN_FILENO) {
        dup2(null, STDIN_FILENO);
        close(null);
    }
}

bool StandardFds::restore(const std::string&) const {
    for (const int fd : kStandardFds) install(fd);
    return read_open() == "111";
}

std::vector<Property> StandardFds::properties() const {
    const auto put_back = [this](const std::string& wanted) { return restore(wanted); };
    return {{"the standard descriptors", Look::called, read_open, put_back, {}},
            {"where the standard descriptors lead", Look::called, read_targets, put_back, {}}};
}

}  // namespace pythonfilter
