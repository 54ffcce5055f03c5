#include "master/socket_keeper.h"

#include "base/log.h"

#include <sys/inotify.h>
#include <unistd.h>

namespace pythonfilter {

SocketKeeper::SocketKeeper(const ListenSocket& socket)
    : directory_(socket.place.directory), inotify_(inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
    watch();
}

// A link that is renamed away or over, a directory that goes: everything after which another file may stand there.
void SocketKeeper::watch() {
    constexpr unsigned events = IN_DELETE | IN_MOVE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
    watching_ = inotify_ && inotify_add_watch(inotify_.get(), directory_.c_str(), events) >= 0;
}

void SocketKeeper::drain() {
    char events[4096];
    while (inotify_ && read(inotify_.get(), events, sizeof events) > 0) {
    }
    watch();  // adds nothing when the same directory is watched already
}

SocketKeeper::Finding SocketKeeper::look(const ListenSocket& socket) {
    drain();
    switch (path_owner(socket)) {
        case PathOwner::us: return Finding::ours;
        case PathOwner::another: return Finding::another;
        case PathOwner::nobody: break;
    }
    const Status status = put_back(socket);
    if (status) return Finding::put_back;
    why_ = status.error().text;
    return Finding::lost;
}

std::string SocketKeeper::describe_put_back(const SocketPlace& place) {
    return "somebody removed the socket " + escape(place.path()) + "; it is back";
}

std::string SocketKeeper::describe_loss(const SocketPlace& place) const {
    return "the socket " + escape(place.path()) + " was removed and cannot be put back (" + escape(why_) + ")";
}

}  // namespace pythonfilter
