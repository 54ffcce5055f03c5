#include "worker/temporary_place.h"

#include "worker/high_fd.h"
#include "worker/python_error.h"
#include "worker/python_object.h"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace pythonfilter {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "pythonfilter-worker-";  // then pid of the zygote, dash, six random characters

fs::path base() {
    const char* path = std::getenv("TMPDIR");
    return path != nullptr && *path != '\0' ? path : "/tmp";
}

// 0 when the name is not one of ours.
pid_t owner_of(const std::string& name) {
    return name.starts_with(kPrefix) ? static_cast<pid_t>(std::atol(name.c_str() + kPrefix.size())) : 0;
}

// A descriptor that holds the lock; none when a living zygote does, or when the directory is not ours.
UniqueFd lock(const fs::path& path) {
    UniqueFd fd(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    struct stat info{};
    if (!fd || fstat(fd.get(), &info) != 0 || info.st_uid != geteuid() || flock(fd.get(), LOCK_EX | LOCK_NB) != 0)
        fd.reset();
    return fd;
}

// The pid alone would not do: a zygote of another pid namespace may use the same directory.
void remove_stale() {
    std::error_code error;
    for (fs::directory_iterator entry(base(), fs::directory_options::skip_permission_denied, error), end;
         !error && entry != end; entry.increment(error)) {
        const pid_t owner = owner_of(entry->path().filename().string());
        if (owner <= 0 || kill(owner, 0) == 0 || errno != ESRCH) continue;
        std::error_code ignored;
        if (const UniqueFd free = lock(entry->path()); free) fs::remove_all(entry->path(), ignored);
    }
}

bool tell_python(const std::string& path) {
    const PyObj os = steal(PyImport_ImportModule("os"));
    const PyObj environment = os ? steal(PyObject_GetAttrString(os.ptr(), "environ")) : PyObj();
    const PyObj value = to_python(path);
    if (!environment || !value || PyMapping_SetItemString(environment.ptr(), "TMPDIR", value.ptr()) != 0) return false;
    const PyObj tempfile = imported_module("tempfile");  // an import may have asked it, and it remembers
    return !tempfile || PyObject_SetAttrString(tempfile.ptr(), "tempdir", Py_None) == 0;
}

}  // namespace

void TemporaryPlace::create() {
    remove_stale();
    std::string path = base() / (std::string(kPrefix) + std::to_string(getpid()) + "-XXXXXX");
    if (mkdtemp(path.data()) == nullptr) return;
    path_ = path;
    lock_ = lock(path_);
    if (lock_) lock_ = move_high(std::move(lock_));
}

std::string TemporaryPlace::enter(std::uint32_t slot) const {
    if (path_.empty()) return {};
    const std::string path = path_ + "/" + std::to_string(slot);
    if (mkdir(path.c_str(), 0700) != 0) return {};
    if (!tell_python(path)) print_python_error();
    return path;
}

void TemporaryPlace::remove(std::uint32_t slot) const {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_ + "/" + std::to_string(slot), ignored);
}

void TemporaryPlace::remove_all() const {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
}

}  // namespace pythonfilter
