#include "master/privileges.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <memory>
#include <pwd.h>
#include <string_view>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace pythonfilter {
namespace {

constexpr const char* kDefaultPath = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin";
constexpr const char* kDefaultTemporary = "/tmp";
constexpr const char* kLocale = "C.UTF-8";

std::optional<rlimit> original_nofile;

bool is_pipe(int fd) {
    struct stat info{};
    return fstat(fd, &info) == 0 && S_ISFIFO(info.st_mode);
}

std::vector<int> open_descriptors() {
    std::vector<int> found;
    const std::unique_ptr<DIR, int (*)(DIR*)> directory(opendir("/proc/self/fd"), closedir);
    if (!directory) return found;
    while (const dirent* entry = readdir(directory.get())) {
        const int fd = std::atoi(entry->d_name);
        if (entry->d_name[0] != '.' && fd != dirfd(directory.get())) found.push_back(fd);
    }
    return found;
}

bool is_number(const std::string& text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

struct Account {
    std::string name;
    uid_t uid = 0;
    gid_t gid = 0;
};

Result<Account> find_account(const CourierDirs& courier) {
    if (is_number(courier.mailuser) || is_number(courier.mailgroup)) {
        return Error{"courier.mailuser and courier.mailgroup must be names, not numbers (" + courier.mailuser + ", " +
                     courier.mailgroup + "): the numbers that courier-config prints are wrong on some systems"};
    }
    const passwd* user = getpwnam(courier.mailuser.c_str());
    if (!user) return Error{"there is no user '" + courier.mailuser + "': set courier.mailuser to Courier's mail user"};
    if (user->pw_uid == 0) {
        return Error{"the mail user '" + courier.mailuser +
                     "' is root, and filters are never run as root: set courier.mailuser"};
    }
    Account account{courier.mailuser, user->pw_uid, user->pw_gid};
    const group* group = getgrnam(courier.mailgroup.c_str());
    if (!group)
        return Error{"there is no group '" + courier.mailgroup + "': set courier.mailgroup to Courier's mail group"};
    account.gid = group->gr_gid;
    return account;
}

Status switch_to(const Account& account) {
    const std::string what = "become user '" + account.name + "': ";
    if (initgroups(account.name.c_str(), account.gid) != 0) return errno_error(what + "initgroups", errno);
    if (setresgid(account.gid, account.gid, account.gid) != 0) return errno_error(what + "setgid", errno);
    if (setresuid(account.uid, account.uid, account.uid) != 0) return errno_error(what + "setuid", errno);
    uid_t real = 0;
    uid_t effective = 0;
    uid_t saved = 0;
    getresuid(&real, &effective, &saved);
    const bool for_good = real == account.uid && effective == account.uid && saved == account.uid && setuid(0) != 0 &&
                          setgid(0) != 0;
    if (!for_good) return Error{what + "root's rights could be taken back"};
    return Done{};
}

// For a process that is not root: perhaps something to say. With another real user than the effective one, the dynamic
// linker would not preload what makes Python's program a worker.
MailUser stay(const CourierDirs& courier) {
    MailUser result;
    const passwd* own = getpwuid(geteuid());
    result.name = own ? own->pw_name : std::to_string(geteuid());
    if (result.name != courier.mailuser) {
        result.warning = "running as user '" + result.name + "', not as Courier's mail user '" + courier.mailuser +
                         "': Courier may not reach the socket, nor filters the messages";
    }
    if (setresgid(getegid(), getegid(), getegid()) != 0 || setresuid(geteuid(), geteuid(), geteuid()) != 0)
        result.warning = "the real user cannot be made the effective one: Python may not start";
    return result;
}

std::string variable(const char* name) {
    const char* value = std::getenv(name);
    return value ? value : "";
}

void set(const char* name, const std::string& value) { setenv(name, value.c_str(), 1); }

bool is_usable_directory(const std::string& path, int access_mode) {
    struct stat info{};
    return !path.empty() && stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode) &&
           access(path.c_str(), access_mode) == 0;
}

bool is_utf8_locale(std::string name) {
    std::erase(name, '-');
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return name.ends_with(".utf8") || name.find(".utf8@") != std::string::npos;
}

void set_locale_variables() {
    // The first that is set decides, as in setlocale().
    std::string name;
    for (const char* key : {"LC_ALL", "LC_CTYPE", "LANG"}) {
        if (name.empty()) name = variable(key);
    }
    if (is_utf8_locale(name)) return;
    set("LANG", kLocale);
    set("LC_ALL", kLocale);
    unsetenv("LC_CTYPE");
}

void set_user_variables(const CourierDirs& courier) {
    const passwd* user = getpwuid(geteuid());
    if (user) {
        set("USER", user->pw_name);
        set("LOGNAME", user->pw_name);
    }
    const std::string own = user ? user->pw_dir : "";
    const std::string home = variable("HOME");
    // A HOME that was set stays if it belongs to this user: root's would be of no use after the change.
    if (home == own && !home.empty()) return;
    struct stat info{};
    if (!home.empty() && stat(home.c_str(), &info) == 0 && info.st_uid == geteuid()) return;
    set("HOME", is_usable_directory(own, X_OK) ? own : courier.localstatedir);
}

// Relative names in requests would be relative to Courier's home, in which courierfilter starts its filters.
void set_working_directory() {
    const std::unique_ptr<char, void (*)(void*)> current(getcwd(nullptr, 0), std::free);
    if (current && current.get()[0] == '/' && access(".", X_OK) == 0) return;
    if (chdir("/usr") == 0 || chdir("/") == 0) return;
}

}  // namespace

Inherited inspect_inherited() {
    const Inherited inherited{is_pipe(0), is_pipe(3)};
    for (int fd = 0; fd <= 2; ++fd) {
        if (fcntl(fd, F_GETFD) < 0) open("/dev/null", O_RDWR);  // takes the lowest free number: fd
    }
    return inherited;
}

void close_inherited(const std::vector<int>& keep) {
    for (const int fd : open_descriptors()) {
        if (fd <= 2) continue;
        if (std::find(keep.begin(), keep.end(), fd) == keep.end()) {
            close(fd);
        } else {
            fcntl(fd, F_SETFD, FD_CLOEXEC);
        }
    }
}

Result<MailUser> become_mail_user(const CourierDirs& courier) {
    if (geteuid() != 0) return stay(courier);
    const auto account = find_account(courier);
    if (!account) return account.error();
    if (const Status status = switch_to(*account); !status) return status.error();
    return MailUser{account->name, {}};
}

void set_filter_environment(const CourierDirs& courier) {
    if (variable("PATH").empty()) set("PATH", kDefaultPath);
    if (!is_usable_directory(variable("TMPDIR"), W_OK | X_OK)) set("TMPDIR", kDefaultTemporary);
    if (variable("sysconfdir").empty()) set("sysconfdir", courier.sysconfdir);
    set_user_variables(courier);
    set_locale_variables();
    set_working_directory();
    umask(007);
}

void raise_nofile_limit(std::optional<rlim_t> original_soft) {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    original_nofile = rlimit{std::min(original_soft.value_or(limit.rlim_cur), limit.rlim_max), limit.rlim_max};
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

rlimit original_nofile_limit() {
    if (original_nofile) return *original_nofile;
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    return limit;
}

void forbid_dumps() { prctl(PR_SET_DUMPABLE, 0); }

}  // namespace pythonfilter
