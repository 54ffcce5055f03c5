// The listening socket's birth and end, by Courier's rules: one name, bound as .NAME, made 0660, listening, and only
// then linked as NAME, so that nobody ever sees a socket that refuses; NAME in the other directory goes. The name with
// the dot stays as a second link, which Courier and courierfilter overlook: should NAME vanish, it is linked anew and
// leads to the same socket. Called by the guardian and in the foreground, as the mail user. Must never unlink NAME at a
// stop under `on_stop: defer`: no socket means that mail passes unfiltered.
//
// Two living servers on one name: in the foreground the second one refuses to start. Under courierfilter it takes over
// and says so (took_over): courierfilter runs one filter per name, so the other is what an earlier guardian left
// behind and is about to end; to refuse would leave a filter that only `filterctl stop` and `start` brings back.
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"
#include "config/config.h"

#include <optional>
#include <string>
#include <sys/types.h>

namespace pythonfilter {

struct SocketPlace {
    std::string directory;        // where the socket goes
    std::string other_directory;  // where the same name must not be
    std::string name;             // instance name: basename of argv[0]

    std::string path() const { return directory + "/" + name; }
    std::string spare_path() const { return directory + "/." + name; }
    bool operator==(const SocketPlace&) const = default;
};

SocketPlace socket_place(const Config& config);
/// For a server without a usable configuration: allfilters/.
SocketPlace default_socket_place(const CourierDirs& courier, const std::string& instance);

struct ListenSocket {
    UniqueFd fd;             // listening, non-blocking, close-on-exec
    SocketPlace place;
    bool took_over = false;  // another server was living on this name
    dev_t device = 0;        // which file it is: at a stop a successor's socket is left alone
    ino_t inode = 0;
};

enum class LivingServer { refuse, take_over };

Result<ListenSocket> make_listen_socket(const SocketPlace& place, LivingServer living);

/// A socket that was made here by an earlier process and kept by somebody: device and inode say which file it was bound
/// to. Its path is put back if it has gone. Nothing when it does not listen or its file is not to be found.
std::optional<ListenSocket> adopt_listen_socket(UniqueFd fd, const SocketPlace& place, dev_t device, ino_t inode);

/// Refuses new connects at once, whoever holds copies of the descriptor. Those already queued can still be accepted.
void shut_listen_socket(int fd);
/// False after shut_listen_socket() in any process that has the socket.
bool is_listening(int fd);

/// Whose socket stands at the path.
enum class PathOwner { us, nobody, another };
PathOwner path_owner(const ListenSocket& socket);
/// Links the path anew, from the spare one.
Status put_back(const ListenSocket& socket);

/// Unlinks the spare path, and under `pass` the path, unless they are another server's by now.
void remove_socket_for_stop(const ListenSocket& socket, OnStop on_stop);

}  // namespace pythonfilter
