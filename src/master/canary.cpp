#include "master/canary.h"

#include "base/log.h"
#include "base/unique_fd.h"
#include "message/reply.h"

#include <cerrno>
#include <ctime>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace pythonfilter {
namespace {

constexpr std::size_t kMaxMessage = 1024 * 1024;  // it is read and written while the loop waits
constexpr mode_t kFileMode = 0660;                // as Courier's own

Result<std::string> read_message(const std::string& path) {
    const UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    struct stat info{};
    if (!file || fstat(file.get(), &info) != 0) return errno_error(path, errno);
    if (!S_ISREG(info.st_mode) || info.st_size > static_cast<off_t>(kMaxMessage))
        return Error{path + ": expected a file of at most 1 MiB"};
    std::string text(static_cast<std::size_t>(info.st_size), '\0');
    const auto got = read(file.get(), text.data(), text.size());
    if (got < 0) return errno_error(path, errno);
    text.resize(static_cast<std::size_t>(got));
    return text;
}

// Returns the inode.
Result<ino_t> write_file(const std::string& path, const std::string& content) {
    const UniqueFd file(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kFileMode));
    struct stat info{};
    if (!file || fstat(file.get(), &info) != 0) return errno_error(path, errno);
    if (write(file.get(), content.data(), content.size()) != static_cast<ssize_t>(content.size()))
        return errno_error(path, errno);
    return info.st_ino;
}

std::string control_records() {
    const std::time_t now = std::time(nullptr);
    const auto in_days = [now](int days) { return std::to_string(now + days * 86400); };
    return "s\nfdns; localhost (localhost [127.0.0.1])\ne\nt\nMcanary." + std::to_string(now) +
           "\nrpostmaster\nR\nN\nulocal\nE" + in_days(7) + "\np" + in_days(1) + "\nW" + in_days(1) + "\n";
}

}  // namespace

Result<std::unique_ptr<CanaryFiles>> CanaryFiles::make(const Config& config) {
    auto message = read_message(config.server.canary.message);
    if (!message) return message.error();
    std::unique_ptr<CanaryFiles> files(new CanaryFiles);
    std::string directory = config.courier.localstatedir + "/tmp/pythonfilter-canary.XXXXXX";
    if (!mkdtemp(directory.data())) return errno_error(directory, errno);
    files->directory_ = directory;
    chmod(directory.c_str(), 0770);
    const std::string control = directory + "/canary";  // no name that Courier takes for one of its own
    const auto inode = write_file(control, control_records());
    if (!inode) return inode.error();
    const std::string body = directory + "/D" + std::to_string(*inode);
    if (const auto written = write_file(body, *message); !written) return written.error();
    files->request_ = {body, {control}};
    return files;
}

CanaryFiles::~CanaryFiles() {
    std::error_code ignored;
    if (!directory_.empty()) std::filesystem::remove_all(directory_, ignored);
}

std::string canary_problem(const CanaryConfig& config, std::string_view reply) {
    static constexpr Verdict kVerdicts[] = {Verdict::accept, Verdict::defer, Verdict::reject};
    const Verdict expected = kVerdicts[static_cast<std::size_t>(config.expect)];
    if (verdict_of(reply) == expected) return {};
    return "the canary " + escape(config.message) + " was expected to end with " + std::string(to_string(expected)) +
           ", and got: " + escape(reply.substr(0, reply.find('\n')));
}

void Canary::run(Generation& generation, std::function<void(std::string problem)> done) {
    done_ = std::move(done);
    auto made = CanaryFiles::make(generation.config());
    if (!made) return end("no canary: " + escape(made.error().text));
    const std::shared_ptr<CanaryFiles> files = std::move(*made);
    Client client{[] { return false; },
                  [this, files, config = generation.config().server.canary](std::string_view reply) {
                      end(canary_problem(config, reply));
                      return true;
                  }};
    router_.begin(generation, Request(files->request()), Clock::now(), std::move(client));
}

void Canary::end(std::string problem) {
    problem_ = std::move(problem);
    to_tell_.start(0s);
}

void Canary::tell() {
    if (const auto done = std::exchange(done_, {})) done(std::exchange(problem_, {}));
}

}  // namespace pythonfilter
