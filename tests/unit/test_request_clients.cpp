// RequestClients, with lines as requests: answers of any size, and clients that do not take them. The loop runs only
// while a test says so.
#include "master/request_clients.h"

#include <cerrno>
#include <doctest/doctest.h>
#include <optional>
#include <sys/socket.h>

using namespace pythonfilter;

namespace {

constexpr std::size_t kLarge = 4 * 1024 * 1024;

struct Clients {
    Loop loop;
    std::vector<ClientId> asked;
    std::vector<std::string> lines;
    RequestClients clients;

    Clients()
        : clients(loop, 4096,
                  {[](std::string_view bytes) -> std::optional<std::size_t> {
                       const std::size_t line = bytes.find('\n');
                       return line == std::string_view::npos ? std::nullopt : std::optional(line);
                   },
                   [this](ClientId id, std::string line) {
                       asked.push_back(id);
                       lines.push_back(std::move(line));
                   },
                   [](bool too_long) { return std::string(too_long ? "too long\n" : "bad\n"); },
                   [] { return std::string("too many\n"); }}) {}

    UniqueFd connect() {
        int ends[2];
        REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
        UniqueFd ours(ends[1]);
        clients.adopt(UniqueFd(ends[0]));
        return ours;
    }
    UniqueFd connect_and_say(std::string_view text) {
        int ends[2];
        REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
        UniqueFd ours(ends[1]);
        REQUIRE(send(ours.get(), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()));
        clients.adopt(UniqueFd(ends[0]));
        return ours;
    }
    void turn() { ev_run(loop.raw(), EVRUN_NOWAIT); }
};

// What is there now; nullopt at the end of the stream.
std::optional<std::string> read_some(const UniqueFd& fd) {
    std::string text(65536, '\0');
    const ssize_t n = recv(fd.get(), text.data(), text.size(), 0);
    if (n < 0 && errno == EAGAIN) return std::string();
    if (n <= 0) return std::nullopt;
    text.resize(static_cast<std::size_t>(n));
    return text;
}

std::string read_all(Clients& clients, const UniqueFd& fd) {
    std::string all;
    for (int turns = 0; turns < 100'000; ++turns) {
        const auto text = read_some(fd);
        if (!text) return all;
        all += *text;
        clients.turn();
    }
    return "no end";
}

}  // namespace

TEST_CASE("clients: a line goes upward without its LF, in pieces or not, and is answered") {
    Clients clients;
    const UniqueFd fd = clients.connect();
    for (const char c : std::string("status")) {
        REQUIRE(send(fd.get(), &c, 1, 0) == 1);
        clients.turn();
        CHECK(clients.lines.empty());
    }
    REQUIRE(send(fd.get(), "\n", 1, 0) == 1);
    clients.turn();
    REQUIRE(clients.lines == std::vector<std::string>{"status"});
    clients.clients.answer(clients.asked[0], "good\n");
    clients.clients.answer(clients.asked[0], "twice\n");
    CHECK(read_all(clients, fd) == "good\n");
}

TEST_CASE("clients: an answer larger than a socket takes arrives whole") {
    Clients clients;
    const UniqueFd fd = clients.connect_and_say("x\n");
    clients.clients.answer(clients.asked.at(0), std::string(kLarge, 'a') + "\n");
    CHECK(read_all(clients, fd).size() == kLarge + 1);
}

TEST_CASE("clients: those that do not take their answer make room, the others get theirs") {
    Clients clients;
    std::vector<UniqueFd> silent;
    for (std::size_t i = 0; i < RequestClients::kMaxClients; ++i) {
        silent.push_back(clients.connect_and_say("x\n"));
        clients.clients.answer(clients.asked.back(), std::string(kLarge, 'a'));
    }
    const UniqueFd fd = clients.connect_and_say("y\n");
    REQUIRE(clients.lines.back() == "y");
    clients.clients.answer(clients.asked.back(), "good\n");
    CHECK(read_all(clients, fd) == "good\n");
    CHECK(read_all(clients, silent.back()).size() == kLarge);
    CHECK(read_all(clients, silent.front()).size() < kLarge);
}

TEST_CASE("clients: when all wait for an answer the next one is told so") {
    Clients clients;
    std::vector<UniqueFd> waiting;
    for (std::size_t i = 0; i < RequestClients::kMaxClients; ++i) waiting.push_back(clients.connect_and_say("x\n"));
    const UniqueFd fd = clients.connect_and_say("y\n");
    CHECK(read_all(clients, fd) == "too many\n");
    waiting.front().reset();  // hangs up
    clients.turn();
    const UniqueFd next = clients.connect_and_say("z\n");
    CHECK(clients.lines.back() == "z");
}

TEST_CASE("clients: what has no end is bad; who says more or shuts its end still waits") {
    Clients clients;
    CHECK(read_all(clients, clients.connect_and_say(std::string(100'000, 'x'))) == "too long\n");
    const UniqueFd half = clients.connect_and_say("half");
    shutdown(half.get(), SHUT_WR);
    CHECK(read_all(clients, half) == "bad\n");
    const UniqueFd more = clients.connect_and_say("one\ntwo\n");
    REQUIRE(send(more.get(), "three\n", 6, 0) == 6);
    shutdown(more.get(), SHUT_WR);
    clients.turn();
    CHECK(clients.lines == std::vector<std::string>{"one"});
    clients.clients.answer(clients.asked.back(), "good\n");
    CHECK(read_all(clients, more) == "good\n");
    clients.clients.answer(12345, "to nobody");
}
