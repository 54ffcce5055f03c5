#include "master/service_manager.h"

#include "base/packet.h"
#include "base/unix_socket.h"
#include "config/option_text.h"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <sys/socket.h>
#include <unistd.h>

namespace pythonfilter {
namespace {

std::string take_variable(const char* name) {
    const char* value = std::getenv(name);
    std::string text = value ? value : "";
    unsetenv(name);
    return text;
}

// A path, or with "@" a name that is in no directory.
UniqueFd connect_to(const std::string& path) {
    auto address = unix_address(path);
    if (path.size() < 2 || !address) return {};
    if (path.front() == '@') address->sun_path[0] = '\0';
    UniqueFd fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
    if (!fd || connect(fd.get(), generic(*address), size) != 0) return {};
    return fd;
}

std::vector<std::string> split(const std::string& text) {
    std::vector<std::string> words;
    for (std::size_t begin = 0; !text.empty() && begin <= text.size();) {
        const std::size_t end = std::min(text.find(':', begin), text.size());
        words.push_back(text.substr(begin, end - begin));
        begin = end + 1;
    }
    return words;
}

bool is_for_us(const std::string& pid) { return parse_whole_number(pid) == getpid(); }

std::string in_usec(Duration duration) {
    return std::to_string(std::chrono::duration_cast<std::chrono::microseconds>(duration).count());
}

}  // namespace

ServiceManager ServiceManager::from_environment() {
    ServiceManager manager;
    manager.socket_ = connect_to(take_variable("NOTIFY_SOCKET"));
    const auto watchdog = parse_whole_number(take_variable("WATCHDOG_USEC"));
    const std::string watched = take_variable("WATCHDOG_PID");
    if (watchdog && *watchdog > 0 && (watched.empty() || is_for_us(watched)))
        manager.watchdog_ = std::chrono::microseconds(*watchdog);
    const auto names = split(take_variable("LISTEN_FDNAMES"));
    const auto count = parse_whole_number(take_variable("LISTEN_FDS"));
    if (is_for_us(take_variable("LISTEN_PID")) && count == static_cast<std::int64_t>(names.size()))
        manager.kept_names_ = names;
    return manager;
}

// A full socket means that systemd is busy: to lose a status is nothing, to wait would stop the mail.
void ServiceManager::tell(std::string_view text, const std::vector<int>& fds) {
    if (socket_) (void)send_packet(socket_.get(), text, fds);
}

void ServiceManager::ready(std::string_view text) { tell("READY=1\nSTATUS=" + std::string(text)); }

void ServiceManager::stopping(Duration at_most) {
    tell("STOPPING=1\nSTATUS=Stopping\nEXTEND_TIMEOUT_USEC=" + in_usec(at_most));
}

void ServiceManager::alive() { tell("WATCHDOG=1"); }

void ServiceManager::status(std::string_view text) { tell("STATUS=" + std::string(text)); }

void ServiceManager::keep(const ListenSocket& socket) {
    const std::string name = kept_name(socket.device, socket.inode);
    const bool is_new = std::erase(kept_names_, name) == 0;
    for (const std::string& old : kept_names_) tell("FDSTOREREMOVE=1\nFDNAME=" + old);
    kept_names_ = {name};
    if (is_new) tell("FDSTORE=1\nFDPOLL=0\nFDNAME=" + name, {socket.fd.get()});
}

std::string ServiceManager::kept_name(dev_t device, ino_t inode) {
    return "socket-" + std::to_string(device) + "-" + std::to_string(inode);
}

}  // namespace pythonfilter
