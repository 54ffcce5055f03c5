// Preloaded into a server under Valgrind 3.19, for what Valgrind cannot do. It knows neither pidfd_open(2) nor
// pidfd_send_signal(2), which the server calls by syscall(2): the process at the Unix socket that PIDFD_SOCKET names is
// asked for the descriptor (tests/bench/callgrind.py). Must never be loaded into anything that is not measured.
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

// The real syscall(2), which this library hides.
static long pass_on(long number, const long* arguments) {
    register long fourth __asm__("r10") = arguments[3];
    register long fifth __asm__("r8") = arguments[4];
    register long sixth __asm__("r9") = arguments[5];
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(arguments[0]), "S"(arguments[1]), "d"(arguments[2]), "r"(fourth), "r"(fifth),
                       "r"(sixth)
                     : "rcx", "r11", "memory");
    if (result < 0 && result >= -4095) {
        errno = (int)-result;
        return -1;
    }
    return result;
}

static int ask(int socket, pid_t pid) {
    if (write(socket, &pid, sizeof pid) != sizeof pid) return -1;
    char byte;
    struct iovec data = {&byte, 1};
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control,
                             .msg_controllen = sizeof control};
    if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) != 1) return -1;
    const struct cmsghdr* header = CMSG_FIRSTHDR(&message);
    if (header == NULL) return -1;
    int fd;
    memcpy(&fd, CMSG_DATA(header), sizeof fd);
    return fd;
}

static int open_pidfd(pid_t pid) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char* path = getenv("PIDFD_SOCKET");
    if (path == NULL || strlen(path) >= sizeof address.sun_path) abort();
    strcpy(address.sun_path, path);
    const int connection = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int fd = -1;
    if (connect(connection, (const struct sockaddr*)&address, sizeof address) == 0) fd = ask(connection, pid);
    close(connection);
    if (fd < 0) errno = ESRCH;
    return fd;
}

// Without the guarantee of the real one that no other process gets the signal.
static int signal_pidfd(int pidfd, int signal) {
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fdinfo/%d", pidfd);
    FILE* file = fopen(path, "re");
    if (file == NULL) return -1;
    char line[256];
    int pid = -1;
    while (fgets(line, sizeof line, file) != NULL && sscanf(line, "Pid: %d", &pid) != 1) {}
    fclose(file);
    if (pid > 0) return kill(pid, signal);
    errno = ESRCH;
    return -1;
}

long syscall(long number, ...) {
    long arguments[6];
    va_list list;
    va_start(list, number);
    for (int i = 0; i < 6; ++i) arguments[i] = va_arg(list, long);
    va_end(list);
    if (number == SYS_pidfd_open) return open_pidfd((pid_t)arguments[0]);
    if (number == SYS_pidfd_send_signal) return signal_pidfd((int)arguments[0], (int)arguments[1]);
    return pass_on(number, arguments);
}

// The master sets the limit of open files of a zygote that has just begun, and a Valgrind whose limit changes while it
// starts ends itself.
int prlimit(pid_t pid, enum __rlimit_resource resource, const struct rlimit* wanted, struct rlimit* old) {
    (void)pid;
    (void)resource;
    (void)wanted;
    (void)old;
    return 0;
}
