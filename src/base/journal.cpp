#include "base/journal.h"

#include "base/unix_socket.h"

#include <cerrno>
#include <cstdlib>
#include <sys/stat.h>

namespace pythonfilter {
namespace {

constexpr const char* kSocket = "/run/systemd/journal/socket";

bool is_stream_of_journal(int fd) {
    const char* stream = std::getenv("JOURNAL_STREAM");
    struct stat info{};
    return stream && fstat(fd, &info) == 0 &&
           stream == std::to_string(info.st_dev) + ":" + std::to_string(info.st_ino);
}

}  // namespace

std::unique_ptr<Journal> Journal::behind(int fd) {
    const auto address = unix_address(kSocket);
    if (!address || !is_stream_of_journal(fd)) return nullptr;
    UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket || connect(socket.get(), generic(*address), sizeof *address) != 0) return nullptr;
    return std::make_unique<Journal>(std::move(socket));
}

void Journal::add(std::string packet) {
    bytes_ += packet.size();
    packets_.push_back(std::move(packet));
}

bool Journal::flush() {
    while (!packets_.empty()) {
        const std::string& packet = packets_.front();
        const auto sent = send(socket_.get(), packet.data(), packet.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return false;
        bytes_ -= packet.size();
        packets_.pop_front();
    }
    return true;
}

}  // namespace pythonfilter
