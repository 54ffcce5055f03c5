#include "ctl/replace_file.h"

#include "base/unique_fd.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <sys/stat.h>
#include <unistd.h>

namespace pythonfilter {
namespace {

// An error number; 0: all is written.
int write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t n = write(fd, text.data(), text.size());
        if (n < 0 && errno != EINTR) return errno;
        if (n > 0) text.remove_prefix(static_cast<std::size_t>(n));
    }
    return 0;
}

}  // namespace

// The temporary name does not end like the other: who reads a whole directory passes it over.
Status replace_file(const std::string& path, std::string_view text) {
    struct stat info{};
    if (lstat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode))
        return Error{path + " is no regular file: it is not replaced"};
    std::string temporary = path + ".XXXXXX";
    UniqueFd fd(mkstemp(temporary.data()));
    if (!fd) return errno_error(path, errno);
    int problem = fchmod(fd.get(), 0644) == 0 ? write_all(fd.get(), text) : errno;
    if (problem == 0 && std::rename(temporary.c_str(), path.c_str()) != 0) problem = errno;
    if (problem == 0) return Done{};
    unlink(temporary.c_str());
    return errno_error(path, problem);
}

}  // namespace pythonfilter
