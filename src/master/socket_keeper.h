// SocketKeeper: watches the path of a listening socket and puts it back when it vanishes, as courierfilter's clean-up
// or somebody's rm would have it: without the path Courier asks nobody, and mail passes unfiltered. Called by the
// guardian and by the server in the foreground, each with its own loop. Must never take the path from another server
// that stands there by now.
#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "master/listen_socket.h"

#include <optional>
#include <string>

namespace pythonfilter {

class SocketKeeper {
public:
    explicit SocketKeeper(const ListenSocket& socket);

    /// Can be read when something happened in the directory; -1 when the kernel gave no inotify.
    int fd() const { return inotify_.get(); }

    enum class Finding {
        ours,     // as it should be
        put_back, // it had vanished and stands again
        another,  // another server's socket stands there
        lost,     // it cannot be put back: a new socket is needed
    };
    /// Looks, and puts the path back. `socket` is the one given at construction.
    Finding look(const ListenSocket& socket);
    /// When to look again though nothing was heard: the directory itself may have gone.
    static constexpr Duration kLookAgain = 2s;
    bool must_look_again() const { return !watching_; }

    /// What the log says of a path that was put back, and of one that could not be.
    static std::string describe_put_back(const SocketPlace& place);
    std::string describe_loss(const SocketPlace& place) const;

private:
    void drain();
    void watch();

    std::string directory_;
    UniqueFd inotify_;
    bool watching_ = false;  // the directory that is there now
    std::string why_;        // it could not be put back, raw
};

}  // namespace pythonfilter
