// Control files: any bytes can be read, and an append adds one whole record or changes nothing.
// Input: one byte, the length of a value; the value; the file.
#include "demand.h"
#include "message/control_file.h"

#include "base/unique_fd.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

using namespace pythonfilter;

namespace {

std::string contents(int fd) {
    std::string bytes(static_cast<std::size_t>(lseek(fd, 0, SEEK_END)), '\0');
    DEMAND(pread(fd, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
    return bytes;
}

UniqueFd make_file(std::string_view text) {
    UniqueFd fd(memfd_create("control", MFD_CLOEXEC));
    DEMAND(fd && write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    DEMAND(fcntl(fd.get(), F_SETFL, O_APPEND) == 0);
    return fd;
}

void check_reading(std::string_view text) {
    ControlRecords records(text);
    std::size_t recipient_lines = 0;
    std::vector<std::string_view> originals, dsn_flags;
    for (ControlRecord record; records.next(record);) {
        DEMAND(is_record_value(record.value) && is_record_value({&record.letter, 1}));
        DEMAND(find_record(text, record.letter).has_value());
        recipient_lines += record.letter == 'r';
        if (record.letter == 'R') originals.push_back(record.value);
        if (record.letter == 'N') dsn_flags.push_back(record.value);
    }
    const auto recipients = parse_control(text);
    DEMAND(recipients.size() == recipient_lines);
    std::size_t open = 0;
    for (std::size_t i = 0; i < recipients.size(); ++i) {
        DEMAND(recipients[i].index == i);
        DEMAND(recipients[i].original == (i < originals.size() ? originals[i] : ""));
        DEMAND(recipients[i].dsn == (i < dsn_flags.size() ? dsn_flags[i] : ""));
        open += !recipients[i].done && !is_blank(recipients[i].address);
    }
    DEMAND(open_recipients(text).size() == open);
}

void check_append(std::string_view before, std::string_view value) {
    const UniqueFd fd = make_file(before);
    const ControlRecord records[] = {{'r', value}};
    const bool allowed = is_record_value(value) && before.find('\0') == std::string_view::npos;
    DEMAND(bool(append_records(fd.get(), records)) == allowed);
    if (!allowed) {
        DEMAND(contents(fd.get()) == before);
        return;
    }
    const std::string line_end = before.empty() || before.ends_with('\n') ? "" : "\n";
    DEMAND(contents(fd.get()) == std::string(before) + line_end + "r" + std::string(value) + "\n");
    const auto text = read_control_file(fd.get());
    DEMAND(text && parse_control(*text).back().address == value);
}

void check_removal(std::string_view before, std::uint32_t index) {
    const UniqueFd fd = make_file(before);
    if (!append_removal(fd.get(), index, 1795356462)) return;
    const std::string visible = visible_text(std::string(before));
    const auto was = parse_control(visible);
    const auto text = read_control_file(fd.get());
    DEMAND(text);
    const auto now = parse_control(*text);
    DEMAND(now.size() == was.size());
    for (std::size_t i = 0; i < now.size(); ++i) DEMAND(now[i].done == (was[i].done || i == index));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view input = as_text(data, size);
    const std::size_t number = take_number(input);
    const std::string_view value = take_text(input, number);
    const std::string visible = visible_text(std::string(input));
    DEMAND(visible.find('\0') == std::string::npos && visible.find('\r') == std::string::npos);
    DEMAND(visible_text(visible) == visible);
    check_reading(visible);
    check_append(input, value);
    check_removal(input, static_cast<std::uint32_t>(number % 4));
    return 0;
}
