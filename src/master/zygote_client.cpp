#include "master/zygote_client.h"

#include "base/process.h"
#include "build_id.h"
#include "master/privileges.h"
#include "message/worker_libraries.h"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace pythonfilter {
namespace {

struct SpawnActions {
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;

    SpawnActions(int socket, int error) {
        posix_spawn_file_actions_init(&files);
        posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
        posix_spawn_file_actions_adddup2(&files, error, 1);
        posix_spawn_file_actions_adddup2(&files, error, 2);
        posix_spawn_file_actions_adddup2(&files, socket, 3);
        posix_spawnattr_init(&attributes);
        sigset_t all;
        sigset_t none;
        sigfillset(&all);
        sigemptyset(&none);
        posix_spawnattr_setsigdefault(&attributes, &all);
        posix_spawnattr_setsigmask(&attributes, &none);
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    }
    ~SpawnActions() {
        posix_spawn_file_actions_destroy(&files);
        posix_spawnattr_destroy(&attributes);
    }
    SpawnActions(const SpawnActions&) = delete;
    SpawnActions& operator=(const SpawnActions&) = delete;
};

// Our own environment and the pool's variables, as "NAME=value".
std::vector<std::string> environment_with(const std::map<std::string, std::string>& variables) {
    std::vector<std::string> entries;
    for (char** entry = environ; entry && *entry; ++entry) {
        const std::string_view text(*entry);
        if (!variables.contains(std::string(text.substr(0, text.find('='))))) entries.emplace_back(text);
    }
    for (const auto& [name, value] : variables) entries.push_back(name + "=" + value);
    return entries;
}

// As the pool's variables say, with the worker's library first among those that are preloaded.
std::vector<std::string> environment_of(const ZygoteProgram& program) {
    auto variables = program.env;
    const char* const own = std::getenv("LD_PRELOAD");
    std::string& preload = variables.try_emplace("LD_PRELOAD", own ? own : "").first->second;
    preload = PYTHONFILTER_PRELOAD_FIRST + program.library + (preload.empty() ? "" : ":" + preload);
    return environment_with(variables);
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> all;
    for (std::string& text : texts) all.push_back(text.data());
    all.push_back(nullptr);
    return all;
}

// Every descriptor of ours is close-on-exec; the zygote gets 0 (/dev/null), 1 and 2 (its stderr pipe) and 3 (its
// socket).
Result<pid_t> spawn(const ZygoteProgram& program, int socket, int error) {
    if (Status status = check_preload_library(program.library); !status) return status.error();
    const SpawnActions actions(socket, error);
    std::vector<std::string> arguments{"pythonfilter-worker", "--zygote", "--parent", std::to_string(getpid())};
    std::vector<std::string> environment = environment_of(program);
    pid_t pid = 0;
    const int failed = posix_spawn(&pid, PYTHONFILTER_PYTHON_PROGRAM, &actions.files, &actions.attributes,
                                   pointers(arguments).data(), pointers(environment).data());
    if (failed != 0) return errno_error("cannot start " PYTHONFILTER_PYTHON_PROGRAM, failed);
    return pid;
}

}  // namespace

std::string preload_library() { return installation_prefix() + "/lib/pythonfilter/" + kPreloadLibrary; }

// The dynamic linker would only warn, and Python would start without it.
Status check_preload_library(const std::string& path) {
    if (access(path.c_str(), R_OK) != 0) return errno_error("cannot load " + path, errno);
    if (path.find_first_of(" :") == std::string::npos) return Done{};
    return Error{"cannot load " + path + ": there must be no blank and no colon in its path"};
}

Result<std::unique_ptr<ZygoteClient>> ZygoteClient::start(Loop& loop, const ZygoteProgram& program,
                                                          const ZygoteSpec& spec, Callbacks callbacks) {
    int sockets[2];
    int error[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) != 0) return errno_error("socketpair", errno);
    UniqueFd ours(sockets[0]);
    UniqueFd theirs(sockets[1]);
    if (pipe2(error, O_CLOEXEC) != 0) return errno_error("pipe", errno);
    UniqueFd error_read(error[0]);
    UniqueFd error_write(error[1]);
    // dup2 to its own number would leave close-on-exec set.
    if (theirs.get() <= 3) theirs.reset(fcntl(theirs.get(), F_DUPFD_CLOEXEC, 10));
    if (error_write.get() <= 3) error_write.reset(fcntl(error_write.get(), F_DUPFD_CLOEXEC, 10));
    auto pid = spawn(program, theirs.get(), error_write.get());
    if (!pid) return pid.error();
    const rlimit open_files = original_nofile_limit();
    prlimit(*pid, RLIMIT_NOFILE, &open_files, nullptr);  // select() in a filter fails above 1024
    auto pidfd = open_pidfd(*pid);
    if (!pidfd) return pidfd.error();
    for (const int fd : {ours.get(), error_read.get()}) fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    std::unique_ptr<ZygoteClient> client(
        new ZygoteClient(loop, *pid, std::move(ours), std::move(*pidfd), std::move(error_read), std::move(callbacks)));
    if (const Status sent = send_packet(client->socket_.get(), encode(spec)); !sent) client->kill(sent.error().text);
    return client;
}

ZygoteClient::ZygoteClient(Loop& loop, pid_t pid, UniqueFd socket, UniqueFd pidfd, UniqueFd error, Callbacks callbacks)
    : pid_(pid),
      socket_(std::move(socket)),
      pidfd_(std::move(pidfd)),
      callbacks_(std::move(callbacks)),
      error_lines_(loop, std::move(error), [this](std::string_view line) { callbacks_.on_line(line); }) {
    socket_watch_ = std::make_unique<IoWatch>(loop, socket_.get(), EV_READ, [this] { read_reports(); });
    pidfd_watch_ = std::make_unique<IoWatch>(loop, pidfd_.get(), EV_READ, [this] { died(); });
}

ZygoteClient::~ZygoteClient() {
    if (dead_) return;
    signal_pidfd(pidfd_.get(), SIGKILL);
    waitpid(pid_, nullptr, 0);  // it was killed: this ends at once
}

Status ZygoteClient::fork(const ForkRequest& request, const std::vector<int>& fds) {
    if (!socket_) return Error{"the zygote is going away"};
    return send_packet(socket_.get(), encode(request), fds);
}

void ZygoteClient::slow(const SlowOrder& order) {
    if (socket_) (void)send_packet(socket_.get(), encode(order));
}

void ZygoteClient::close() {
    socket_watch_.reset();
    socket_.reset();
}

void ZygoteClient::kill(std::string reason) {
    if (dead_) return;
    if (reason_.empty()) reason_ = std::move(reason);  // what follows from the first kill explains nothing
    signal_pidfd(pidfd_.get(), SIGKILL);
}

void ZygoteClient::read_reports() {
    // Bounded, so that one zygote cannot keep the loop.
    for (int i = 0; i < 64 && socket_; ++i) {
        switch (receive_packet(socket_.get(), packet_)) {
            case Receive::nothing_yet: return;
            case Receive::packet: take(packet_); break;
            case Receive::closed:
            case Receive::failed:
                close();
                kill("the zygote closed its socket");
                return;
        }
    }
}

void ZygoteClient::take(Packet& packet) {
    auto report = decode_report(packet.bytes);
    const bool is_hello = report && report->kind == ZygoteReport::Kind::hello;
    if (!report || is_hello == greeted_) {
        close();
        kill("the zygote sent a packet that makes no sense");
        return;
    }
    if (is_hello) {
        greeted_ = true;
        if (report->text == PYTHONFILTER_BUILD_ID) return;
        close();
        kill("pythonfilter-worker is of build " + report->text + ", this program of build " PYTHONFILTER_BUILD_ID
             ": restart the server to finish the upgrade");
        return;
    }
    error_lines_.drain();
    callbacks_.on_report(std::move(*report), packet.fds.empty() ? UniqueFd() : std::move(packet.fds.front()));
}

void ZygoteClient::died() {
    // What it reported before it died still counts.
    read_reports();
    int status = 0;
    if (waitpid(pid_, &status, WNOHANG) != pid_) return;
    dead_ = true;
    socket_watch_.reset();
    pidfd_watch_.reset();
    error_lines_.finish();
    std::string reason = describe_wait_status(status);
    if (!reason_.empty()) reason = reason_ + " (" + reason + ")";
    const auto on_dead = callbacks_.on_dead;
    on_dead(std::move(reason));
}

}  // namespace pythonfilter
