// Listener: how many connections it accepts in one round of the loop. The rest is tested through the server.
#include "master/listener.h"
#include "temp_dir.h"

#include <cstring>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <vector>

using namespace pythonfilter;

namespace {

class Clients {
public:
    Clients() {
        std::strcpy(address_.sun_path, dir_.path("socket").c_str());
        socket_.reset(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
        REQUIRE(bind(socket_.get(), reinterpret_cast<sockaddr*>(&address_), sizeof address_) == 0);
        REQUIRE(listen(socket_.get(), 1000) == 0);
    }
    UniqueFd listening_socket() const { return UniqueFd(fcntl(socket_.get(), F_DUPFD_CLOEXEC, 0)); }

    void connect_some(int count) {
        for (int i = 0; i < count; ++i) {
            UniqueFd& client = clients_.emplace_back(socket(AF_UNIX, SOCK_STREAM, 0));
            REQUIRE(connect(client.get(), reinterpret_cast<sockaddr*>(&address_), sizeof address_) == 0);
        }
    }

private:
    TempDir dir_;
    UniqueFd socket_;
    sockaddr_un address_{AF_UNIX, {}};
    std::vector<UniqueFd> clients_;
};

// How many were accepted in each round, until one in which nobody was.
std::vector<int> rounds(Loop& loop, const int& accepted) {
    std::vector<int> counts;
    for (int before = -1; before != accepted;) {
        before = accepted;
        ev_run(loop.raw(), EVRUN_NOWAIT);
        if (accepted != before) counts.push_back(accepted - before);
    }
    return counts;
}

}  // namespace

TEST_CASE("listener: accepts more at once while more are waiting, at most 64, and fewer when they have become few") {
    Clients clients;
    Loop loop;
    int accepted = 0;
    Listener listener(loop, clients.listening_socket(), [&](UniqueFd) { ++accepted; });
    CHECK(rounds(loop, accepted).empty());
    clients.connect_some(1);
    CHECK(rounds(loop, accepted) == std::vector<int>{1});
    clients.connect_some(200);
    CHECK(rounds(loop, accepted) == std::vector<int>{1, 2, 4, 8, 16, 32, 64, 64, 9});
    clients.connect_some(9);  // as many as the last time
    CHECK(rounds(loop, accepted) == std::vector<int>{9});
    clients.connect_some(2);
    CHECK(rounds(loop, accepted) == std::vector<int>{2});
    clients.connect_some(3);
    CHECK(rounds(loop, accepted) == std::vector<int>{2, 1});
}
