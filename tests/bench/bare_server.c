// The named peer of dev/bench: the least a filter server can do. It listens as Courier expects it, reads each request
// to the empty line, answers "200 Ok" and closes. Two processes that accept, as many as the workers of the others; no
// log, no files: what the kernel and the load client cost. Started by tests/bench/peers.py. It must never grow a
// feature: figures are compared over years.
//
//     bare_server SOCKET      both processes end when its standard input does
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kBatch = 64, kMaxFd = 4096, kRequestSize = 8192 };

static const char kReply[] = "200 Ok\n";

// The last byte of what has come so far, by descriptor: the empty line may be split between two reads.
static char last_byte[kMaxFd];

static void die(const char* what) {
    perror(what);
    exit(1);
}

static int listen_at(const char* path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        fprintf(stderr, "bare_server: the path of the socket is too long\n");
        exit(1);
    }
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) die("socket");
    if (bind(fd, (struct sockaddr*)&address, sizeof address) < 0) die(path);
    if (chmod(path, 0660) < 0) die("chmod");
    if (listen(fd, SOMAXCONN) < 0) die("listen");
    return fd;
}

static void watch(int poll_fd, int fd, uint32_t how) {
    struct epoll_event event = {.events = EPOLLIN | how, .data.fd = fd};
    if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &event) < 0) die("epoll_ctl");
}

// Reads what is there. Answers and closes when the request is complete or the client has gone; returns whether it did.
static int serve(int client) {
    char data[kRequestSize];
    ssize_t count = recv(client, data, sizeof data, 0);
    if (count < 0 && errno == EAGAIN) return 0;
    if (count > 0) {
        char before = count > 1 ? data[count - 2] : last_byte[client];
        last_byte[client] = data[count - 1];
        if (data[count - 1] != '\n' || before != '\n') return 0;
        if (send(client, kReply, sizeof kReply - 1, MSG_NOSIGNAL) < 0 && errno != EPIPE) perror("send");
    }
    close(client);
    return 1;
}

// A client that is accepted has mostly sent its request: only one that has not is worth a place in the set.
static void accept_all(int poll_fd, int listen_fd) {
    for (int left = kBatch; left > 0; --left) {
        int client = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (client < 0) return;
        if (client >= kMaxFd) {
            close(client);
            continue;
        }
        last_byte[client] = '\0';
        if (serve(client)) continue;
        watch(poll_fd, client, 0);
    }
}

static void run(int listen_fd) {
    int poll_fd = epoll_create1(EPOLL_CLOEXEC);
    watch(poll_fd, listen_fd, EPOLLEXCLUSIVE);  // a client wakes one process, not both
    watch(poll_fd, STDIN_FILENO, 0);
    for (;;) {
        struct epoll_event ready[kBatch];
        int count = epoll_wait(poll_fd, ready, kBatch, -1);
        for (int i = 0; i < count; ++i) {
            int fd = ready[i].data.fd;
            if (fd == STDIN_FILENO) return;
            if (fd == listen_fd) {
                accept_all(poll_fd, listen_fd);
            } else {
                serve(fd);
            }
        }
    }
}

int main(int argc, char** argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: bare_server SOCKET\n");
        return 2;
    }
    int listen_fd = listen_at(argv[1]);
    pid_t other = fork();
    if (other < 0) die("fork");
    run(listen_fd);
    if (other > 0 && waitpid(other, NULL, 0) < 0) die("waitpid");
    return 0;
}
