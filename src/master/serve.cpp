#include "master/serve.h"

#include "base/log_sink.h"
#include "master/attach.h"
#include "master/guardian.h"
#include "master/listen_socket.h"
#include "master/privileges.h"
#include "master/run_master.h"
#include "master/service_manager.h"

#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <sys/socket.h>
#include <sys/stat.h>

namespace pythonfilter {
namespace {

constexpr int kCourierReadyFd = 3;
constexpr int kLogPatienceMs = 1000;

// Handlers as a new program expects them, whatever the parent did. SIGHUP is ignored until somebody handles it: it
// would kill a server that is reading its configuration. SIGPIPE: clients and readers of the log may go.
void prepare_signals() {
    struct sigaction action{};
    for (int number = 1; number < NSIG; ++number) {
        action.sa_handler = number == SIGHUP || number == SIGPIPE ? SIG_IGN : SIG_DFL;
        sigaction(number, &action, nullptr);
    }
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
}

bool is_open(int fd) { return fcntl(fd, F_GETFD) >= 0; }

// /dev/null is always at its end, which means nothing.
bool stdin_can_end() {
    struct stat info{};
    return fstat(0, &info) == 0 && (S_ISFIFO(info.st_mode) || S_ISSOCK(info.st_mode));
}

bool needs_guardian(const Inherited& inherited, const Result<Config>& config) {
    const Supervisor supervisor = config ? config->server.supervisor : Supervisor::automatic;
    if (supervisor == Supervisor::automatic) return inherited.from_courierfilter();
    return supervisor == Supervisor::courierfilter;
}

std::string own_path() {
    std::error_code error;
    const auto path = std::filesystem::read_symlink("/proc/self/exe", error);
    return error ? "/proc/self/exe" : path.string();
}

MasterProgram master_program(const CommandLine& line, const char* argv0) {
    MasterProgram program{own_path(), {argv0 && *argv0 ? argv0 : line.instance, kMasterOption}};
    const auto add = [&](const char* option, const std::string& value) {
        program.arguments.push_back(option);
        program.arguments.push_back(value);
    };
    add(kOpenFilesOption, std::to_string(original_nofile_limit().rlim_cur));
    if (!line.config_file.empty()) add("--config", line.config_file);
    return program;
}

int fail(const std::string& text, int exit_status) {
    LogSink log(2);
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        log.line(LogLevel::error, text.substr(at, end - at));
        at = end + 1;
    }
    log.flush_for(kLogPatienceMs);
    return exit_status;
}

// A reload may have changed it; a file that cannot be read any more changes nothing.
OnStop on_stop_now(const ConfigRequest& request, OnStop at_start) {
    const auto config = load_config(request);
    return config ? config->server.on_stop : at_start;
}

// The one that the service manager kept, or a new one.
Result<ListenSocket> open_socket(const Config& config, const ServiceManager& service, UniqueFd kept) {
    const SocketPlace place = socket_place(config);
    struct stat info{};
    const auto is_kept = [&](const std::string& path) {
        const auto& names = service.kept_names();
        return lstat(path.c_str(), &info) == 0 && names.size() == 1 &&
               names.front() == ServiceManager::kept_name(info.st_dev, info.st_ino);
    };
    if (kept && (is_kept(place.path()) || is_kept(place.spare_path()))) {
        if (auto socket = adopt_listen_socket(std::move(kept), place, info.st_dev, info.st_ino))
            return std::move(*socket);
    }
    kept.reset();  // or it would be taken for another server
    return make_listen_socket(place, LivingServer::refuse);
}

int serve_in_foreground(const ConfigRequest& request, const Result<Config>& config, ServiceManager service,
                        UniqueFd kept) {
    if (!config) return fail(config.error().text, kExitConfig);
    const auto user = become_mail_user(config->courier);
    if (!user) return fail(escape(user.error().text), kExitConfig);
    if (!user->warning.empty()) {
        LogSink log(2);
        log.line(LogLevel::warning, escape(user->warning));
        log.flush_for(kLogPatienceMs);
    }
    set_filter_environment(config->courier);
    raise_nofile_limit();
    auto socket = open_socket(*config, service, std::move(kept));
    if (!socket) return fail(escape(socket.error().text), 1);
    forbid_dumps();
    const int listen_fd = fcntl(socket->fd.get(), F_DUPFD_CLOEXEC, 3);
    if (listen_fd < 0) return fail(errno_error("the listening socket", errno).text, 1);
    // Without a path nobody comes, so there is nothing to keep.
    const bool keeps = service.present() && config->server.on_stop == OnStop::defer;
    const int status = run_master({.config = request,
                                   .listen_fd = UniqueFd(listen_fd),
                                   .ready_fd = UniqueFd(),
                                   .own_socket = &*socket,
                                   .service = service.present() ? &service : nullptr,
                                   .keep_socket = keeps});
    if (keeps) return status;
    shut_listen_socket(socket->fd.get());
    remove_socket_for_stop(*socket, on_stop_now(request, config->server.on_stop));
    return status;
}

bool has_listen_socket() {
    int listening = 0;
    socklen_t size = sizeof listening;
    return getsockopt(kMasterListenFd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == 0;
}

int refuse_use_of(const char* option) {
    std::fprintf(stderr, "pythonfilter: %s is for its own use, between its processes\n", option);
    return kExitUsage;
}

}  // namespace

int serve(const CommandLine& line, const char* argv0) {
    const Inherited inherited = inspect_inherited();
    close_inherited({kCourierReadyFd});
    UniqueFd ready_fd(is_open(kCourierReadyFd) ? kCourierReadyFd : -1);
    prepare_signals();
    ServiceManager service = ServiceManager::from_environment();
    const ConfigRequest request{line.instance, line.config_file};
    auto config = load_config(request);
    if (inherited.from_courierfilter() && config && config->server.supervisor == Supervisor::systemd)
        return attach_to_service(*config, std::move(ready_fd));
    if (!needs_guardian(inherited, config)) {
        if (service.kept_names().empty()) ready_fd.reset();  // not courierfilter's
        return serve_in_foreground(request, config, std::move(service), std::move(ready_fd));
    }
    raise_nofile_limit();
    forbid_dumps();  // pidfd_getfd() would hand the listening socket to a filter
    Guardian guardian({request, master_program(line, argv0), std::move(ready_fd), stdin_can_end(), std::nullopt});
    return guardian.run(std::move(config));
}

int serve_as_successor(const CommandLine& line, const char* argv0) {
    if (!has_listen_socket() || !line.heritage) return refuse_use_of(kSuccessorOption);
    inspect_inherited();
    close_inherited({kMasterListenFd});
    prepare_signals();
    raise_nofile_limit(line.open_files);
    forbid_dumps();
    const ConfigRequest request{line.instance, line.config_file};
    Guardian guardian({request, master_program(line, argv0), UniqueFd(), stdin_can_end(), line.heritage});
    return guardian.run(load_config(request));
}

int serve_for_guardian(const CommandLine& line) {
    if (!has_listen_socket() || !is_open(kMasterReadyFd)) return refuse_use_of(kMasterOption);
    inspect_inherited();
    close_inherited({kMasterListenFd, kMasterReadyFd});
    prepare_signals();
    raise_nofile_limit(line.open_files);
    forbid_dumps();
    return run_master({.config = {line.instance, line.config_file},
                       .listen_fd = UniqueFd(kMasterListenFd),
                       .ready_fd = UniqueFd(kMasterReadyFd),
                       .stop_at_stdin_end = stdin_can_end()});
}

}  // namespace pythonfilter
