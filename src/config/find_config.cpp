#include "config/find_config.h"

#include "base/log.h"
#include "base/unique_fd.h"
#include "config/courier_dirs.h"
#include "config/legacy_loader.h"
#include "config/yaml_loader.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace pythonfilter {
namespace {

constexpr std::size_t kMaxFile = 1024 * 1024;

struct FileContent {
    std::string path;
    std::string text;
    std::string problem;   // empty: text is the content
    bool missing = false;  // there is no such file
};

FileContent not_read(const std::string& path, const std::string& why, bool missing = false) {
    return {path, {}, escape(path) + ": " + why, missing};
}

FileContent not_read(const std::string& path, int error) {
    const bool missing = error == ENOENT || error == ENOTDIR;
    return {path, {}, errno_error(escape(path), error).text, missing};
}

// O_NONBLOCK: a FIFO in the place of the file must not stop the start.
FileContent read_config_file(const std::string& path) {
    const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (!fd) return not_read(path, errno);
    struct stat info {};
    if (fstat(fd.get(), &info) != 0) return not_read(path, errno);
    if (!S_ISREG(info.st_mode)) return not_read(path, "expected a regular file");
    FileContent file{path, {}, {}, false};
    char buffer[16384];
    for (;;) {
        const ssize_t n = read(fd.get(), buffer, sizeof buffer);
        if (n == 0) return file;
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return not_read(path, errno);
        file.text.append(buffer, static_cast<std::size_t>(n));
        if (file.text.size() > kMaxFile) return not_read(path, "expected a configuration file, found more than 1 MiB");
    }
}

bool is_legacy(const std::string& path) { return path.ends_with(".conf"); }

Error nothing_found(const std::vector<FileContent>& passed_over) {
    std::string text = "no configuration file found; looked for ";
    for (std::size_t i = 0; i < passed_over.size(); ++i) {
        const FileContent& file = passed_over[i];
        text += (i == 0 ? "" : ", ") + (file.missing ? escape(file.path) : "(" + file.problem + ")");
    }
    return Error{text + "; write the first of them (its smallest content is `filters: [NAME]`), or name another file "
                        "with --config FILE"};
}

Result<Config> load_file(const FileContent& file, Config start) {
    if (!file.problem.empty()) return Error{file.problem};
    return is_legacy(file.path) ? load_legacy(file.text, file.path, std::move(start))
                                : load_yaml(file.text, file.path, std::move(start));
}

}  // namespace

std::vector<std::string> config_places(const std::string& instance, const std::string& sysconfdir) {
    return {sysconfdir + "/" + instance + ".yaml", "/etc/" + instance + ".yaml", "/etc/pythonfilter.conf",
            "/usr/local/etc/pythonfilter.conf", sysconfdir + "/pythonfilter.conf"};
}

Result<Config> load_first(const std::vector<std::string>& places, Config start) {
    std::vector<FileContent> passed_over;
    for (const std::string& path : places) {
        FileContent file = read_config_file(path);
        if (file.problem.empty() || (!is_legacy(path) && !file.missing)) {
            for (const FileContent& other : passed_over)
                if (!other.missing) start.warnings.push_back(other.problem + "; using " + escape(path));
            return load_file(file, std::move(start));
        }
        passed_over.push_back(std::move(file));
    }
    return nothing_found(passed_over);
}

Result<Config> load_config(const ConfigRequest& request) {
    CourierConfigRun courier = run_courier_config();
    Config start;
    start.instance = request.instance;
    start.courier = std::move(courier.dirs);
    if (!courier.problem.empty()) start.warnings.push_back(std::move(courier.problem));
    if (!request.file.empty()) return load_file(read_config_file(request.file), std::move(start));
    const std::vector<std::string> places = config_places(request.instance, start.courier.sysconfdir);
    return load_first(places, std::move(start));
}

CourierDirs find_courier_dirs() { return run_courier_config().dirs; }

}  // namespace pythonfilter
