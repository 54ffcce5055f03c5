#include "submits.h"

#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <thread>

namespace pythonfilter::bench {

namespace {

[[noreturn]] void fail(const char* what) {
    std::perror(what);
    std::_Exit(1);
}

/// One client, in its own process.
class Submit {
public:
    Submit(const Options& options, const std::vector<std::string>& requests, const Judge& judge)
        : options_(options), requests_(requests), judge_(judge), address_(address_of(options)) {}

    /// `first`: its requests are this one and every N-th after it.
    void run(std::size_t first) {
        tally_.latencies_us.reserve(1 << 20);
        const auto began = Clock::now(), end = began + in_clock(options_.seconds);
        const auto step = static_cast<std::size_t>(options_.clients);
        for (std::size_t request = first; Clock::now() < end; request += step) {
            if (request >= requests_.size()) request = first;
            ask(request);
        }
        tally_.run_us = in_us(Clock::now() - began);
    }
    const Tally& tally() const { return tally_; }

private:
    void ask(std::size_t request) {
        const auto began = Clock::now();
        const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0) fail("load_client: socket");
        bool answered = false;
        if (connect(fd, reinterpret_cast<const sockaddr*>(&address_), sizeof address_) == 0) {
            send_request(fd, requests_[request]);
            read_reply(fd);
            answered = judge_.note(request, reply_, Clock::now() - began, tally_);
        } else {
            ++tally_.refused;
        }
        close(fd);
        if (!answered) std::this_thread::sleep_for(kPauseAfterRefusal);
    }

    // A server that turns clients away may have closed by now; what it wrote can still be read.
    static void send_request(int fd, const std::string& text) {
        if (send(fd, text.data(), text.size(), MSG_NOSIGNAL) < 0 && errno != EPIPE && errno != ECONNRESET)
            fail("load_client: send");
    }

    void read_reply(int fd) {
        char data[8192];
        reply_.clear();
        ssize_t count;
        while (!is_complete() && (count = recv(fd, data, sizeof data, 0)) > 0)
            reply_.append(data, static_cast<std::size_t>(count));
    }

    // The last line of a reply has no "-" behind its code.
    bool is_complete() const {
        if (reply_.empty() || reply_.back() != '\n') return false;
        const std::size_t line = reply_.rfind('\n', reply_.size() - 2) + 1;  // npos + 1 is 0
        return options_.lines || reply_.size() < line + 4 || reply_[line + 3] != '-';
    }

    const Options& options_;
    const std::vector<std::string>& requests_;
    const Judge& judge_;
    const sockaddr_un address_;
    std::string reply_;
    Tally tally_;
};

struct Pipe {
    int read = -1, write = -1;
};

Pipe make_pipe() {
    int ends[2];
    if (pipe(ends) < 0) fail("load_client: pipe");
    return {ends[0], ends[1]};
}

struct Child {
    pid_t pid = -1;
    int tally = -1;  // read end
};

/// It begins when the other end of `start` is closed, so that all begin together.
Child start_client(Submit& client, std::size_t number, const Options& options, const Pipe& start) {
    const Pipe pipe = make_pipe();
    const pid_t pid = fork();
    if (pid < 0) fail("load_client: fork");
    if (pid > 0) {
        close(pipe.write);
        return {pid, pipe.read};
    }
    close(start.write);
    char none;
    if (read(start.read, &none, 1) != 0) fail("load_client: start");
    alarm(static_cast<unsigned>(options.seconds + options.timeout_seconds) + 1);  // its end, should it wait that long
    client.run(number);
    send_tally(client.tally(), pipe.write);
    std::_Exit(0);
}

void finish_client(const Child& child, const Options& options, Tally& sum) {
    Tally tally;
    const bool complete = receive_tally(tally, child.tally);
    close(child.tally);
    int status = 0;
    while (waitpid(child.pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM) {
        ++sum.timeouts;
        sum.run_us += in_us(in_clock(options.seconds + options.timeout_seconds));
    } else if (!complete || status != 0) {
        std::fputs("load_client: a client has failed\n", stderr);
        std::exit(1);
    } else {
        add(sum, tally);
    }
}

}  // namespace

Tally run_submits(const Options& options, const std::vector<std::string>& requests, const Judge& judge) {
    Tally sum;
    Submit client(options, requests, judge);
    const Pipe start = make_pipe();
    std::vector<Child> children;
    for (int i = 0; i < options.clients; ++i)
        children.push_back(start_client(client, static_cast<std::size_t>(i), options, start));
    close(start.read);
    close(start.write);
    for (const Child& child : children) finish_client(child, options, sum);
    sum.run_us /= children.size();
    return sum;
}

}  // namespace pythonfilter::bench
