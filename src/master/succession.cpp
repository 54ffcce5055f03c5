#include "master/succession.h"

#include "base/unix_socket.h"
#include "config/option_text.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace pythonfilter {
namespace {

// From DIRECTORY/.NAME, where every socket is born.
std::optional<SocketPlace> place_of(int fd) {
    sockaddr_un address{};
    socklen_t size = sizeof address - 1;  // a path that fills the address has no zero byte
    if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return std::nullopt;
    const std::string path = address.sun_path;
    const std::size_t slash = path.rfind("/."), parent = path.rfind('/', slash == std::string::npos ? 0 : slash - 1);
    if (slash == std::string::npos || slash == 0 || parent == std::string::npos) return std::nullopt;
    const std::string directory = path.substr(0, slash);
    const bool selective = directory.substr(parent + 1) == "filters";
    return SocketPlace{directory, directory.substr(0, parent) + (selective ? "/allfilters" : "/filters"),
                       path.substr(slash + 2)};
}

}  // namespace

std::string to_text(const Heritage& heritage) {
    return std::to_string(heritage.master) + ":" + std::to_string(heritage.device) + ":" +
           std::to_string(heritage.inode);
}

std::optional<Heritage> parse_heritage(const std::string& text) {
    const std::size_t first = text.find(':'), second = text.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) return std::nullopt;
    const auto master = parse_whole_number(text.substr(0, first));
    const auto device = parse_whole_number(text.substr(first + 1, second - first - 1));
    const auto inode = parse_whole_number(text.substr(second + 1));
    if (!master || !device || !inode) return std::nullopt;
    const Heritage heritage{static_cast<pid_t>(*master), static_cast<dev_t>(*device), static_cast<ino_t>(*inode)};
    return to_text(heritage) == text ? std::optional(heritage) : std::nullopt;
}

ProgramFile::ProgramFile(std::string path) : path_(std::move(path)) {
    struct stat info{};
    if (stat("/proc/self/exe", &info) != 0) return;
    device_ = info.st_dev;
    inode_ = info.st_ino;
}

bool ProgramFile::is_replaced() const {
    struct stat info{};
    if (inode_ == 0 || stat(path_.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return false;
    return (info.st_dev != device_ || info.st_ino != inode_) && access(path_.c_str(), X_OK) == 0;
}

Error become_successor(const MasterProgram& program, int listen_fd, const Heritage& heritage) {
    std::vector<std::string> words{program.arguments.front(), kSuccessorOption, to_text(heritage)};
    const auto rest = std::find(program.arguments.begin(), program.arguments.end(), kOpenFilesOption);
    words.insert(words.end(), rest, program.arguments.end());
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    // The number may be taken by a descriptor of this process, which a failed exec must leave as it was.
    const UniqueFd taken(fcntl(kMasterListenFd, F_DUPFD_CLOEXEC, kMasterListenFd + 1));
    const bool is_there = listen_fd == kMasterListenFd;
    if (is_there) fcntl(listen_fd, F_SETFD, 0);
    else if (dup2(listen_fd, kMasterListenFd) < 0) return errno_error("hand the socket on", errno);
    execv(program.path.c_str(), arguments.data());
    const int problem = errno;
    if (is_there) fcntl(listen_fd, F_SETFD, FD_CLOEXEC);
    else if (taken) dup3(taken.get(), kMasterListenFd, O_CLOEXEC);
    else close(kMasterListenFd);
    return errno_error("run " + program.path, problem);
}

std::optional<ListenSocket> inherit_socket(const Heritage& heritage) {
    UniqueFd fd(kMasterListenFd);
    const auto place = place_of(fd.get());
    if (!place) return std::nullopt;
    return adopt_listen_socket(std::move(fd), *place, heritage.device, heritage.inode);
}

}  // namespace pythonfilter
