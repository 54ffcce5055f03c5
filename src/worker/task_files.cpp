#include "worker/task_files.h"

#include "base/change_time.h"
#include "message/identity_digest.h"
#include "message/removal.h"
#include "worker/high_fd.h"

#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <optional>
#include <sys/stat.h>
#include <unistd.h>

namespace pythonfilter {
namespace {

// The number in a name D<number>; Courier's own names are of this form, those of tests and tools need not be.
std::optional<std::uint64_t> body_number(const std::string& path) {
    const std::string_view name = std::string_view(path).substr(path.rfind('/') + 1);
    if (name.size() < 2 || name[0] != 'D') return std::nullopt;
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(name.data() + 1, name.data() + name.size(), number);
    if (error != std::errc() || end != name.data() + name.size()) return std::nullopt;
    return number;
}

Status must_be_regular(const std::string& path, const struct stat& info) {
    if (S_ISREG(info.st_mode)) return Done{};
    return Error{path + " is not a regular file"};
}

Result<UniqueFd> open_file(const std::string& path, struct stat& info) {
    // O_NONBLOCK: something that is not a regular file must not hold the worker here.
    UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (!fd || fstat(fd.get(), &info) != 0) return errno_error("open " + path, errno);
    if (Status status = must_be_regular(path, info); !status) return status.error();
    if (fd.get() <= STDERR_FILENO) return move_high(std::move(fd));  // a filter has closed one of those
    return fd;
}

Status check_number(const std::vector<TaskFiles::Entry>& entries) {
    const auto number = body_number(entries[0].path);
    if (!number || entries.size() < 2 || *number == entries[1].id.inode) return Done{};
    return Error{entries[0].path + " does not belong to control file " + entries[1].path + " (inode " +
                 std::to_string(entries[1].id.inode) + ")"};
}

bool is_ours(const TaskFiles::Entry& entry, const struct stat& info) {
    return FileId{info.st_dev, info.st_ino} == entry.id;
}

// A filter has closed it, and what has its number now is not ours to close.
void open_again(TaskFiles::Entry& entry) {
    entry.fd.release();
    struct stat info{};
    auto fd = open_file(entry.path, info);
    if (fd && is_ours(entry, info)) entry.fd = std::move(*fd);
}

// Of an open one; with what fstat() says then.
bool is_as_opened(TaskFiles::Entry& entry, struct stat& info) {
    if (!entry.fd) return false;
    if (fstat(entry.fd.get(), &info) != 0 || !is_ours(entry, info)) {
        open_again(entry);
        return false;
    }
    return entry.change_shows && info.st_nlink > 0 && same_time(info.st_ctim, entry.changed);
}

Status look_at(TaskFiles::Entry& entry, bool is_control, struct stat& info) {
    if (!is_as_opened(entry, info) && stat(entry.path.c_str(), &info) != 0) return errno_error(entry.path, errno);
    if (!S_ISREG(info.st_mode)) return Error{entry.path + " is not a regular file any more"};
    if (is_control && info.st_size < entry.size) return Error{entry.path + " has lost a part of its records"};
    return Done{};
}

}  // namespace

Result<TaskFiles> TaskFiles::open(const Task& task) {
    TaskFiles files;
    IdentityDigest digest;
    files.entries_.reserve(1 + task.control_paths.size());
    const auto add = [&](const std::string& path, UniqueFd fd, const struct stat& info) {
        digest.add(info);
        files.entries_.push_back({path, std::move(fd), {info.st_dev, info.st_ino}, info.st_size, info.st_ctim,
                                  next_change_shows(info.st_ctim)});
    };
    struct stat info{};
    if (stat(task.body_path.c_str(), &info) != 0) return errno_error("find " + task.body_path, errno);
    if (Status status = must_be_regular(task.body_path, info); !status) return status.error();
    add(task.body_path, {}, info);
    for (const std::string& path : task.control_paths) {
        auto fd = open_file(path, info);
        if (!fd) return fd.error();
        add(path, std::move(*fd), info);
    }
    if (Status status = check_number(files.entries_); !status) return status.error();
    files.opened_ = digest.identity();
    return files;
}

Result<Identity> TaskFiles::current() {
    IdentityDigest digest;
    Status all = Done{};
    for (Entry& entry : entries_) {  // each, whatever the one before is: its descriptor may be another's
        struct stat info{};
        const Status status = look_at(entry, &entry != &entries_.front(), info);
        if (status) digest.add(info);
        else if (all) all = status;
    }
    if (!all) return all.error();
    return digest.identity();
}

Result<MessageFacts> TaskFiles::read_facts(off_t size, ControlTexts* texts) const {
    std::vector<int> control_fds;
    control_fds.reserve(entries_.size());
    for (std::size_t i = 1; i < entries_.size(); ++i) control_fds.push_back(entries_[i].fd.get());
    auto envelope = read_envelope(control_fds, kMaxComparedRecipients, texts);
    if (!envelope) return envelope.error();
    MessageFacts facts;
    facts.id = std::move(envelope->id);
    facts.sender = std::move(envelope->sender);
    facts.recipients = std::move(envelope->recipients);
    facts.recipient_count = envelope->recipient_count;
    facts.size = static_cast<std::uint64_t>(size);
    return facts;
}

Result<MessageFacts> TaskFiles::facts_as_opened(ControlTexts& texts) const {
    texts.clear();
    return read_facts(entries_[0].size, &texts);
}

Result<MessageFacts> TaskFiles::facts() const {
    struct stat info{};
    const bool known = stat(entries_[0].path.c_str(), &info) == 0;
    return read_facts(known ? info.st_size : entries_[0].size, nullptr);
}

Result<UniqueFd> TaskFiles::open_body() const {
    struct stat info{};
    auto fd = open_file(entries_[0].path, info);
    if (fd && !is_ours(entries_[0], info))
        return Error{entries_[0].path + " is another file than when the message came"};
    return fd;
}

}  // namespace pythonfilter
