#include "message/control_file.h"

#include "base/unique_fd.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace pythonfilter {

namespace {

constexpr std::string_view kRemovalText = " R 250 Ok - removed by pythonfilter.";

/// The recipient number at the start of an S or F record: digits, then a blank or the end.
std::optional<std::uint32_t> recipient_number(std::string_view value) {
    std::uint32_t number = 0;
    const char* const end = value.data() + value.size();
    const auto [stopped, error] = std::from_chars(value.data(), end, number);
    if (error != std::errc() || (stopped != end && *stopped != ' ' && *stopped != '\r' && *stopped != '\t')) return {};
    return number;
}

/// Everything that can be read, NULs included.
Result<std::string> read_raw(int fd) {
    struct stat info {};
    if (fstat(fd, &info) != 0) return errno_error("stat control file", errno);
    if (!S_ISREG(info.st_mode)) return Error{"control file: not a regular file"};
    std::string bytes;
    std::size_t used = 0;
    // One byte more than the file has: a single read then shows that nothing follows.
    std::size_t wanted = static_cast<std::size_t>(info.st_size) + 1;
    for (;;) {
        if (wanted > kMaxControlFile) return Error{"control file: larger than 64 MiB"};
        bytes.resize(wanted);
        const auto got = pread(fd, bytes.data() + used, wanted - used, static_cast<off_t>(used));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return errno_error("read control file", errno);
        used += static_cast<std::size_t>(got);
        if (used < wanted) break;
        wanted *= 2;
    }
    bytes.resize(used);
    return bytes;
}

Result<UniqueFd> open_file(const std::string& path, int flags) {
    // O_NONBLOCK: a FIFO under that name must not hang the caller; it means nothing for a regular file.
    UniqueFd fd(open(path.c_str(), flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    if (!fd) return errno_error("open " + path, errno);
    return fd;
}

/// Makes each CR a blank; returns how many bytes come before the first NUL.
std::size_t make_visible(char* bytes, std::size_t size) {
    const void* const end = std::memchr(bytes, '\0', size);
    if (end) size = static_cast<std::size_t>(static_cast<const char*>(end) - bytes);
    // There is hardly ever a CR: memchr() looks at many bytes at once, std::replace at each.
    char* const last = bytes + size;
    for (char* at = bytes; (at = static_cast<char*>(std::memchr(at, '\r', static_cast<std::size_t>(last - at))));)
        *at = ' ';
    return size;
}

/// Removes what a failed append has written, unless somebody else has written after it.
void take_back(int fd, std::size_t size_before, std::size_t written) {
    struct stat info {};
    if (written == 0 || fstat(fd, &info) != 0) return;
    if (static_cast<std::size_t>(info.st_size) != size_before + written) return;
    if (ftruncate(fd, static_cast<off_t>(size_before)) != 0) return;
}

Status write_once(int fd, std::string_view bytes, std::size_t size_before) {
    ssize_t written = 0;
    do {
        written = write(fd, bytes.data(), bytes.size());
    } while (written < 0 && errno == EINTR);
    if (written < 0) return errno_error("append to control file", errno);
    if (static_cast<std::size_t>(written) == bytes.size()) return Done{};
    take_back(fd, size_before, static_cast<std::size_t>(written));
    return Error{"append to control file: no room for the whole record"};
}

}  // namespace

std::optional<std::string_view> find_record(std::string_view text, char letter) {
    ControlRecords records(text);
    for (ControlRecord record; records.next(record);)
        if (record.letter == letter) return record.value;
    return {};
}

void RecipientTable::add_finished(std::string_view value) {
    if (const auto finished = recipient_number(value)) finished_.push_back(*finished);
}

std::span<const Recipient> RecipientTable::finish() {
    for (const auto& [number, field, value] : early_)
        if (number < recipients_.size()) recipients_[number].*field = value;
    for (const auto number : finished_)
        if (number < recipients_.size()) recipients_[number].done = true;
    return recipients_;
}

void RecipientTable::begin_file() {
    recipients_.clear();
    originals_ = dsn_flags_ = 0;
    early_.clear();
    finished_.clear();
}

std::vector<Recipient> parse_control(std::string_view text) {
    RecipientTable table;
    table.add_all(text);
    const auto all = table.finish();
    return {all.begin(), all.end()};
}

std::vector<Recipient> open_recipients(std::string_view text) {
    auto recipients = parse_control(text);
    std::erase_if(recipients, [](const Recipient& recipient) { return !is_open(recipient); });
    return recipients;
}

std::string visible_text(std::string bytes) {
    bytes.resize(make_visible(bytes.data(), bytes.size()));
    return bytes;
}

Result<std::string> read_control_file(int fd) {
    auto bytes = read_raw(fd);
    if (!bytes) return bytes;
    return visible_text(std::move(*bytes));
}

Result<std::string> read_control_file(const std::string& path) {
    const auto fd = open_file(path, O_RDONLY);
    if (!fd) return fd.error();
    return read_control_file(fd->get());
}

// What is full may not be whole; what is empty may be no regular file. Only those are looked at more closely.
Status ControlText::take(int fd) {
    ssize_t got = 0;
    do {
        got = pread(fd, few_.data(), few_.size(), 0);
    } while (got < 0 && errno == EINTR);
    if (got > 0 && static_cast<std::size_t>(got) < few_.size()) {
        text_ = {few_.data(), make_visible(few_.data(), static_cast<std::size_t>(got))};
        return Done{};
    }
    auto bytes = read_control_file(fd);
    if (!bytes) return bytes.error();
    many_ = std::move(*bytes);
    text_ = many_;
    return Done{};
}

void ControlText::take(std::string_view visible) {
    if (visible.size() <= few_.size()) {
        std::copy(visible.begin(), visible.end(), few_.begin());
        text_ = {few_.data(), visible.size()};
    } else {
        many_ = visible;
        text_ = many_;
    }
}

Result<Envelope> read_envelope(std::span<const int> control_fds, std::size_t max_recipients, ControlTexts* texts) {
    Envelope envelope;
    ControlText text;
    RecipientTable table;
    for (std::size_t file = 0; file < control_fds.size(); ++file) {
        if (auto status = text.take(control_fds[file]); !status) return status.error();
        if (texts) texts->add(text.view());
        if (file == 0) {
            envelope.id = find_record(text.view(), 'M').value_or("");
            envelope.sender = find_record(text.view(), 's').value_or("");
        }
        table.begin_file();
        table.add_all(text.view());
        for (const auto& recipient : table.finish()) {
            if (!is_open(recipient)) continue;
            ++envelope.recipient_count;
            if (envelope.recipients.size() < max_recipients) envelope.recipients.emplace_back(recipient.address);
        }
    }
    return envelope;
}

bool is_blank(std::string_view value) { return value.find_first_not_of(" \t\v\f\r") == std::string_view::npos; }

bool is_record_value(std::string_view value) {
    return value.find_first_of(std::string_view("\n\r\0", 3)) == std::string_view::npos;
}

Status append_records(int fd, std::span<const ControlRecord> records) {
    const auto before = read_raw(fd);
    if (!before) return before.error();
    if (before->find('\0') != std::string::npos) return Error{"control file: holds a NUL, Courier would not see more"};
    std::string bytes;
    if (!before->empty() && before->back() != '\n') bytes += '\n';
    for (const auto& record : records) {
        if (!is_record_value({&record.letter, 1}) || !is_record_value(record.value))
            return Error{"control record: LF, CR or NUL in a value"};
        bytes += record.letter;
        bytes += record.value;
        bytes += '\n';
    }
    if (records.empty()) return Done{};
    if (auto status = write_once(fd, bytes, before->size()); !status) return status;
    // Submit synced the file before it asked the filters, and will not do so again.
    if (fdatasync(fd) != 0 && errno != EINVAL) return errno_error("sync control file", errno);
    return Done{};
}

Status append_records(const std::string& path, std::span<const ControlRecord> records,
                      std::optional<FileId> expected) {
    const auto fd = open_file(path, O_RDWR | O_APPEND);
    if (!fd) return fd.error();
    if (auto status = check_file(fd->get(), expected); !status) return Error{path + ": " + status.error().text};
    return append_records(fd->get(), records);
}

Status check_file(int fd, std::optional<FileId> expected) {
    struct stat info {};
    if (!expected) return Done{};
    if (fstat(fd, &info) != 0) return errno_error("stat", errno);
    if (FileId{info.st_dev, info.st_ino} != *expected)
        return Error{"the file now belongs to another message, nothing was written"};
    return Done{};
}

Status append_removal(int fd, std::uint32_t index, std::int64_t unix_time) {
    const auto number = std::to_string(index);
    const auto notice = number + std::string(kRemovalText);
    const auto success = number + " " + std::to_string(unix_time);
    const ControlRecord records[] = {{'I', notice}, {'S', success}};
    return append_records(fd, records);
}

}  // namespace pythonfilter
