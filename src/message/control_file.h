// Courier's control files: the one parser and the one appender, for the worker (log facts) and for courier.control (by
// way of src/native). A file is lines of one letter and a value. It is read as Courier reads it: LF ends a line, CR is
// a blank, a NUL hides the rest of the file, the n-th `r` line is recipient n-1. Values are bytes, not always UTF-8.
// Files are only ever appended to, in one write of whole records: their inode is part of Courier's file names.
// Views point into the text that they were found in and live as long as it does.
#pragma once

#include "base/result.h"
#include "message/control_texts.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace pythonfilter {

struct ControlRecord {
    char letter = 0;
    std::string_view value;
};

/// Whether these bytes are equal. Most are too few to be worth a call of memcmp().
inline bool are_equal(const char* a, const char* b, std::size_t size) {
    const auto differ = [a, b]<class Word>(std::size_t at, Word) {
        Word left{}, right{};
        std::memcpy(&left, a + at, sizeof left);
        std::memcpy(&right, b + at, sizeof right);
        return left != right;
    };
    // The last word holds what is left over at the end, and some bytes once more.
    if (size >= sizeof(std::uint64_t)) {
        const std::size_t last = size - sizeof(std::uint64_t);
        for (std::size_t at = 0; at < last; at += sizeof(std::uint64_t))
            if (differ(at, std::uint64_t{})) return false;
        return !differ(last, std::uint64_t{});
    }
    if (size >= sizeof(std::uint32_t))
        return !differ(0, std::uint32_t{}) && !differ(size - sizeof(std::uint32_t), std::uint32_t{});
    return std::equal(a, a + size, b);
}

/// Takes record after record out of a text; empty lines are skipped. Any bytes are safe.
class ControlRecords {
public:
    explicit ControlRecords(std::string_view text) : at_(text.data()), end_(at_ + text.size()) {}
    bool next(ControlRecord& record) {
        while (at_ != end_) {
            const char* const line = at_;
            const void* const found = std::memchr(line, '\n', left());
            const char* const line_end = found ? static_cast<const char*>(found) : end_;
            at_ = found ? line_end + 1 : end_;
            if (line_end == line) continue;
            record.letter = *line;
            record.value = {line + 1, line_end};
            return true;
        }
        return false;
    }
    /// Takes the next record if it has this letter and the value of that one, an earlier record of the text. Costs less
    /// than next().
    bool take(char letter, std::string_view earlier) {
        // As another line follows, there is an LF at the end of the earlier one, which is compared with it.
        if (left() < earlier.size() + 2 || *at_ != letter || !are_equal(at_ + 1, earlier.data(), earlier.size() + 1))
            return false;
        at_ += earlier.size() + 2;
        return true;
    }
    /// Takes the next record if it is the same as the one with that value, an earlier record of the text.
    bool take_again(std::string_view earlier) {
        if (left() < earlier.size() + 2 || !are_equal(at_, earlier.data() - 1, earlier.size() + 2)) return false;
        at_ += earlier.size() + 2;
        return true;
    }

private:
    std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }

    const char* at_;
    const char* end_;
};

/// The value of the first record with that letter.
std::optional<std::string_view> find_record(std::string_view text, char letter);

struct Recipient {
    std::uint32_t index = 0;    // number of its `r` line in this file, from 0
    bool done = false;          // an S or F record names it
    std::string_view address;   // r
    std::string_view original;  // the R line of the same number, '' without one
    std::string_view dsn;       // the N line of the same number, '' without one
};

/// Nothing but white space, which is no address.
bool is_blank(std::string_view value);

inline bool is_open(const Recipient& recipient) {
    if (recipient.done || recipient.address.empty()) return false;
    return static_cast<unsigned char>(recipient.address.front()) > ' ' || !is_blank(recipient.address);
}

/// Takes the records of one file, one after the other, and makes recipients of those that speak of them. Files may have
/// thousands.
class RecipientTable {
public:
    /// False when the record does not speak of a recipient.
    bool add(const ControlRecord& record) {
        switch (record.letter) {
        case 'r':
            add_recipient(record.value);
            return true;
        case 'R': set(originals_++, &Recipient::original, record.value); return true;
        case 'N': set(dsn_flags_++, &Recipient::dsn, record.value); return true;
        case 'S':
        case 'F': add_finished(record.value); return true;
        default: return false;
        }
    }
    /// All records of a text; `other` is called with those that do not speak of a recipient. Courier writes an `r`, an
    /// `R` and an `N` line for each, most often with the same address and always the same flags.
    template <class Other>
    void add_all(std::string_view text, Other other) {
        ControlRecords records(text);
        for (ControlRecord record; records.next(record);) {
            if (record.letter == 'r') add_usual(record.value, records);
            else if (!add(record)) other(record);
        }
    }
    void add_all(std::string_view text) {
        add_all(text, [](const ControlRecord&) {});
    }

    /// After the last record: every `r` line of the file, in order, as parse_control() says. Until begin_file().
    std::span<const Recipient> finish();
    void begin_file();

private:
    using Field = std::string_view Recipient::*;
    struct Early {
        std::uint32_t number;
        Field field;
        std::string_view value;
    };
    void set(std::uint32_t number, Field field, std::string_view value) {
        if (number < recipients_.size()) recipients_[number].*field = value;
        else early_.push_back({number, field, value});
    }
    // The fields are written one by one: as a whole they would be read back before they have arrived in memory.
    Recipient& add_recipient(std::string_view address) {
        const auto index = static_cast<std::uint32_t>(recipients_.size());
        Recipient& recipient = recipients_.emplace_back();
        recipient.index = index;
        recipient.address = address;
        return recipient;
    }
    void add_usual(std::string_view address, ControlRecords& records) {
        Recipient& last = add_recipient(address);
        if (originals_ == last.index && records.take('R', address)) {
            last.original = address;
            ++originals_;
        }
        if (dsn_flags_ != last.index || last.index == 0) return;
        const std::string_view flags = (&last - 1)->dsn;
        if (flags.data() != nullptr && records.take_again(flags)) {
            last.dsn = flags;
            ++dsn_flags_;
        }
    }
    void add_finished(std::string_view value);

    std::vector<Recipient> recipients_;
    std::uint32_t originals_ = 0;  // R records so far
    std::uint32_t dsn_flags_ = 0;  // N records so far
    // R and N stand in the order of the r lines, but may come before their r line in a file that somebody appended to.
    std::vector<Early> early_;
    std::vector<std::uint32_t> finished_;
};

/// Every `r` line of one file, in order. S and F records with a bad or out-of-range number are ignored.
std::vector<Recipient> parse_control(std::string_view text);

/// Those of parse_control() that are not done and have an address: is_open().
std::vector<Recipient> open_recipients(std::string_view text);

inline constexpr std::size_t kMaxControlFile = 64 * 1024 * 1024;

/// What Courier sees of these bytes: cut at the first NUL, CR made a blank.
std::string visible_text(std::string bytes);

/// The visible text of a file, from its start wherever the descriptor (lent) stands.
Result<std::string> read_control_file(int fd);
Result<std::string> read_control_file(const std::string& path);

/// The visible text of one file after the other. Short ones, as nearly all are, need neither memory of their own nor a
/// second system call.
class ControlText {
public:
    ControlText() = default;
    ControlText(const ControlText&) = delete;
    ControlText& operator=(const ControlText&) = delete;

    /// As read_control_file().
    Status take(int fd);
    /// Copies one that somebody has read.
    void take(std::string_view visible);
    /// Until the next take().
    std::string_view view() const { return text_; }

private:
    alignas(64) std::array<char, 16 * 1024> few_;  // the kernel copies faster to where a cache line begins
    std::string many_;
    std::string_view text_;
};

/// What the log says of a message.
struct Envelope {
    std::string id;                       // M record of the first file
    std::string sender;                   // s record of the first file
    std::vector<std::string> recipients;  // open ones of all files in order, at most as many as asked for
    std::uint32_t recipient_count = 0;    // all open ones: >= recipients.size()
};
/// Adds what it reads to `texts`, if there are any.
Result<Envelope> read_envelope(std::span<const int> control_fds, std::size_t max_recipients,
                               ControlTexts* texts = nullptr);

/// Which file is meant, since Courier reuses paths (and inode numbers) from one message to the next.
struct FileId {
    dev_t device = 0;
    ino_t inode = 0;
    bool operator==(const FileId&) const = default;
};

/// An error unless the open file is the expected one (or none is expected).
Status check_file(int fd, std::optional<FileId> expected);

/// Appends whole records in one write, with the missing final LF of the file first. Refuses a value with LF, CR or NUL,
/// a file that is not the expected one, and a file with a NUL in it (nothing after it would be seen). A write that
/// comes out short is taken back.
Status append_records(int fd, std::span<const ControlRecord> records);
Status append_records(const std::string& path, std::span<const ControlRecord> records,
                      std::optional<FileId> expected = std::nullopt);

/// False when the value holds LF, CR or NUL, which would end the record early.
bool is_record_value(std::string_view value);

/// Marks recipient `index` of that file done, without any notice: an I and a two-word S record. (A third word, r or l,
/// would make Courier send a success notice; an F record would bounce.)
Status append_removal(int fd, std::uint32_t index, std::int64_t unix_time);

}  // namespace pythonfilter
