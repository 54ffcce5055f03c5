// Control files: read as Courier reads them, appended to in whole records, never anything else. The samples are what
// Courier writes.
#include "message/control_file.h"

#include "base/unique_fd.h"

#include <csignal>
#include <cstdlib>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace pythonfilter;
using namespace std::string_literals;
using namespace std::string_view_literals;

namespace {

// A file in memory, opened as the worker and the native extension do: for reading, and appending.
struct ControlFile {
    explicit ControlFile(std::string_view text) : fd(memfd_create("control", MFD_CLOEXEC)) {
        REQUIRE(fd);
        REQUIRE(write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
        REQUIRE(fcntl(fd.get(), F_SETFL, O_APPEND) == 0);
    }
    std::string text() const {
        std::string bytes(1024, '\0');
        const auto got = pread(fd.get(), bytes.data(), bytes.size(), 0);
        bytes.resize(static_cast<std::size_t>(got));
        return bytes;
    }
    UniqueFd fd;
};

constexpr auto sample =
    "sa+b@ex\xc3\xa4mple.com\nfdns; cl.test ([::ffff:127.0.0.1])\neQQ+2B314159\ntH\n"
    "M000000000010641D.000000006B02BEEE.00004104\n"
    "rbob@mail.test\nRBob+x@Mail.Test\nNSD\n"
    "rr\xc3\xa9my@ex\xc3\xa4mple.com\nRr\xc3\xa9my@ex\xc3\xa4mple.com\nNN\n"
    "ORELAYCLIENT=\nOTCPREMOTEIP=::ffff:127.0.0.1\nuauthsmtp\nE1795946862\np1795370862\nW1795356462\n"sv;

// An alias that was expanded: it stands between its members and is done already.
constexpr auto alias =
    "s\nrann@x\nR\nNN\nrlist@x\nR\nNN\nI1 R 250 Ok - delivered to alias.\nS1 1795356462 r\nrbob@x\nR\nNN\n"sv;

std::vector<std::string_view> addresses(const std::vector<Recipient>& recipients) {
    std::vector<std::string_view> list;
    for (const auto& recipient : recipients) list.push_back(recipient.address);
    return list;
}

using Addresses = std::vector<std::string_view>;

}  // namespace

TEST_CASE("control records: letter and value of each line, empty lines skipped") {
    ControlRecords records("sa@b\n\n\nT\nW1\nXno LF"sv);
    ControlRecord record;
    std::vector<std::pair<char, std::string>> seen;
    while (records.next(record)) seen.emplace_back(record.letter, record.value);
    CHECK(seen == std::vector<std::pair<char, std::string>>{{'s', "a@b"}, {'T', ""}, {'W', "1"}, {'X', "no LF"}});
    CHECK_FALSE(records.next(record));
}

TEST_CASE("control records: find_record gives the first of a letter") {
    CHECK(find_record(sample, 's') == "sa+b@ex\xc3\xa4mple.com"sv.substr(1));
    CHECK(find_record(sample, 'O') == "RELAYCLIENT="sv);
    CHECK(find_record("s\n", 's') == ""sv);
    CHECK_FALSE(find_record(sample, 'i'));
    CHECK_FALSE(find_record("", 's'));
}

TEST_CASE("recipients: in order, with their original address and DSN flags") {
    const auto recipients = parse_control(sample);
    REQUIRE(recipients.size() == 2);
    CHECK(recipients[0].index == 0);
    CHECK(recipients[0].address == "bob@mail.test");
    CHECK(recipients[0].original == "Bob+x@Mail.Test");
    CHECK(recipients[0].dsn == "SD");
    CHECK_FALSE(recipients[0].done);
    CHECK(recipients[1].index == 1);
    CHECK(recipients[1].dsn == "N");
}

TEST_CASE("recipients: lines that are nearly what Courier usually writes are read as they stand") {
    for (const auto* const address : {"", "b", "bo", "bob", "bob@mail", "bob@mail.", "bob@mail.example.net"})
        for (const auto* const original : {"", "b", "bob@mail", "Bob@mail.example.net", "bob@mail.example.nex"})
            for (const auto* const flags : {"", "F", "FD", "FX", "FDN", "NSFD", "NSFDX", "NSFDNSFDX"})
                for (const auto* const end : {"\n", ""}) {
                    const auto r = "r"s + address + "\n";
                    const auto text = r + "R" + address + "\nNFD\n" + r + "R" + original + "\nN" + flags + end;
                    CAPTURE(text);
                    const auto found = parse_control(text);
                    REQUIRE(found.size() == 2);
                    CHECK(found[0].original == address);
                    CHECK(found[0].dsn == "FD");
                    CHECK(found[1].address == address);
                    CHECK(found[1].original == original);
                    CHECK(found[1].dsn == flags);
                }
}

TEST_CASE("recipients: an alias that was expanded is done") {
    const auto recipients = parse_control(alias);
    REQUIRE(recipients.size() == 3);
    CHECK(recipients[1].done);
    CHECK(addresses(open_recipients(alias)) == Addresses{"ann@x", "bob@x"});
    CHECK(open_recipients(alias)[1].index == 2);
}

TEST_CASE("recipients: S and F make one done, D does not") {
    CHECK(addresses(open_recipients("ra\nrb\nrc\nrd\nS0 17\nF2 17\nD1 17\n")) == Addresses{"b", "d"});
}

TEST_CASE("recipients: an S record may stand before its r line, with or without a time") {
    CHECK(addresses(open_recipients("S1 17\nra\nrb\n")) == Addresses{"a"});
    CHECK(addresses(open_recipients("ra\nrb\nS0\n")) == Addresses{"b"});
    CHECK(addresses(open_recipients("ra\nrb\nS1\t17\n")) == Addresses{"a"});
}

TEST_CASE("recipients: numbers that are bad or out of range are ignored") {
    const auto text = "ra\nrb\nS\nS x\nS2 17\nS-1 17\nS4294967296 17\nS99999999999999999999 1\nS1x 17\nF+1 3\n";
    CHECK(addresses(open_recipients(text)) == Addresses{"a", "b"});
}

TEST_CASE("recipients: an empty address is counted but never open") {
    CHECK(parse_control("ra\nr\nrc\n").size() == 3);
    CHECK(addresses(open_recipients("ra\nr\nrc\n")) == Addresses{"a", "c"});
    CHECK(open_recipients("ra\nr\nrc\n")[1].index == 2);
    CHECK(addresses(open_recipients("r \t\v\f\nrc\n")) == Addresses{"c"});
}

TEST_CASE("recipients: a file without R and N lines, or with more of them than recipients") {
    CHECK(parse_control("ra\n")[0].original == "");
    CHECK(parse_control("ra\nRo\nRp\nNF\nNN\n")[0].dsn == "F");
    CHECK(parse_control("Ro\nNF\nra\n")[0].original == "o");
}

TEST_CASE("control text: CR is a blank, a NUL hides the rest") {
    CHECK(visible_text("sa\r\nrb\r\n") == "sa \nrb \n");
    CHECK(visible_text(std::string("sa\nr\0b\nrc\n"sv)) == "sa\nr");
    CHECK(visible_text("") == "");
}

TEST_CASE("control file: reading starts at the beginning wherever the descriptor stands") {
    const ControlFile file(sample);
    CHECK(lseek(file.fd.get(), 0, SEEK_CUR) > 0);
    CHECK(read_control_file(file.fd.get()).value() == sample);
    CHECK(read_control_file(ControlFile("").fd.get()).value() == "");
}

TEST_CASE("control file: what is no regular file is an error, not a wait") {
    int ends[2];
    REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
    const UniqueFd out(ends[0]), in(ends[1]);
    CHECK_FALSE(read_control_file(out.get()));
    CHECK_FALSE(read_control_file("/dev/null"));
    CHECK_FALSE(read_control_file("/nonexistent/file"));
}

TEST_CASE("envelope: id and sender of the first file, open recipients of all") {
    const ControlFile first(sample), second(alias);
    const int fds[] = {first.fd.get(), second.fd.get()};
    ControlTexts texts;
    const auto envelope = read_envelope(fds, 100, &texts);
    REQUIRE(envelope);
    CHECK(texts.of(0) == sample);
    CHECK(texts.of(1) == alias);
    CHECK_FALSE(texts.of(2));
    CHECK(envelope->id == "000000000010641D.000000006B02BEEE.00004104");
    CHECK(envelope->sender == "a+b@ex\xc3\xa4mple.com");
    CHECK(envelope->recipients ==
          std::vector<std::string>{"bob@mail.test", "r\xc3\xa9my@ex\xc3\xa4mple.com", "ann@x", "bob@x"});
    CHECK(envelope->recipient_count == 4);
}

TEST_CASE("envelope: more recipients than asked for are counted only") {
    const ControlFile first(sample), second(alias);
    const int fds[] = {first.fd.get(), second.fd.get()};
    const auto envelope = read_envelope(fds, 3);
    REQUIRE(envelope);
    CHECK(envelope->recipients.size() == 3);
    CHECK(envelope->recipient_count == 4);
}

TEST_CASE("texts of control files: those for which there is room, in order; then those of the next message") {
    const std::string half(ControlTexts::kRoom / 2, 'r');
    ControlTexts texts;
    texts.add(half);
    texts.add("");
    texts.add(half);
    texts.add("sa\n");
    texts.add("");
    CHECK(texts.of(0) == half);
    CHECK(texts.of(1) == "");
    CHECK(texts.of(2) == half);
    CHECK_FALSE(texts.of(3));
    CHECK_FALSE(texts.of(4));  // the n-th is that of the n-th file, or none
    texts.clear();
    texts.add("sb\n");
    CHECK(texts.of(0) == "sb\n");
    CHECK_FALSE(texts.of(1));
}

TEST_CASE("append: whole records at the end") {
    const ControlFile file("sa\n");
    const ControlRecord records[] = {{'r', "new@x"}, {'R', ""}, {'N', ""}};
    REQUIRE(append_records(file.fd.get(), records));
    CHECK(file.text() == "sa\nrnew@x\nR\nN\n");
}

TEST_CASE("append: a missing final LF is put in first") {
    const ControlFile file("sa\nT");
    const ControlRecord records[] = {{'X', "spam"}};
    REQUIRE(append_records(file.fd.get(), records));
    CHECK(file.text() == "sa\nT\nXspam\n");
}

TEST_CASE("append: a value that would end its record early is refused, and nothing is written") {
    for (const auto value : {"a\nXcancelled"sv, "a\rb"sv, "a\0b"sv}) {
        const ControlFile file("sa\n");
        const ControlRecord records[] = {{'r', "fine"}, {'I', value}};
        CHECK_FALSE(append_records(file.fd.get(), records));
        CHECK(file.text() == "sa\n");
        CHECK_FALSE(is_record_value(value));
    }
    const ControlFile file("sa\n");
    const ControlRecord records[] = {{'\n', "x"}};
    CHECK_FALSE(append_records(file.fd.get(), records));
    CHECK(is_record_value("caf\xe9 \xff"));
}

TEST_CASE("append: nothing goes behind a NUL, where Courier would not see it") {
    const ControlFile file("sa\n\0\n"sv);
    const ControlRecord records[] = {{'X', "spam"}};
    CHECK_FALSE(append_records(file.fd.get(), records));
    CHECK(file.text() == "sa\n\0\n"sv);
}

TEST_CASE("append: a write that comes out short is taken back") {
    const ControlFile file("sa\n");
    struct rlimit before {};
    REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
    const auto old_handler = signal(SIGXFSZ, SIG_IGN);
    const struct rlimit small {10, before.rlim_max};
    REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
    const ControlRecord records[] = {{'X', "far too long for ten bytes"}};
    const Status status = append_records(file.fd.get(), records);
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, old_handler);
    CHECK_FALSE(status);
    CHECK(file.text() == "sa\n");
}

TEST_CASE("append: a removal is an I and a two-word S record, which sends no notice") {
    const ControlFile file("sa\nrb\nrc\n");
    REQUIRE(append_removal(file.fd.get(), 1, 1795356462));
    CHECK(file.text() == "sa\nrb\nrc\nI1 R 250 Ok - removed by pythonfilter.\nS1 1795356462\n");
    CHECK(addresses(open_recipients("sa\nrb\nrc\nS1 1795356462\n")) == Addresses{"b"});
}

TEST_CASE("append: a path that now belongs to another message is left alone") {
    char path[] = "/tmp/control-file-test-XXXXXX";
    const UniqueFd fd(mkostemp(path, O_CLOEXEC));
    REQUIRE(fd);
    struct stat info {};
    REQUIRE(fstat(fd.get(), &info) == 0);
    const ControlRecord records[] = {{'X', "spam"}};
    CHECK_FALSE(append_records(path, records, FileId{info.st_dev, info.st_ino + 1}));
    CHECK_FALSE(append_records(path, records, FileId{info.st_dev + 1, info.st_ino}));
    CHECK(read_control_file(path).value() == "");
    CHECK(append_records(path, records, FileId{info.st_dev, info.st_ino}));
    CHECK(append_records(path, records));
    CHECK(read_control_file(path).value() == "Xspam\nXspam\n");
    unlink(path);
    CHECK_FALSE(append_records(path, records));
}
