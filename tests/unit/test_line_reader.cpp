// LineReader: what a worker prints comes upward line by line, in bounded bites, and nothing is lost at its death. The
// loop of these tests never runs: they read when they want to.
#include "master/line_reader.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <memory>
#include <unistd.h>
#include <vector>

using namespace pythonfilter;

namespace {

struct Pipe {
    Loop loop;
    UniqueFd writer;
    std::vector<std::string> lines;
    std::unique_ptr<LineReader> reader;

    Pipe() {
        int ends[2];
        REQUIRE(pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
        writer.reset(ends[1]);
        fcntl(ends[1], F_SETPIPE_SZ, 1024 * 1024);
        reader = std::make_unique<LineReader>(loop, UniqueFd(ends[0]),
                                              [this](std::string_view line) { lines.emplace_back(line); });
    }
    void print(std::string_view text) {
        REQUIRE(write(writer.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    }
};

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("lines: each line once, without its LF; empty lines as well") {
    Pipe pipe;
    pipe.print("one\n\ntwo\r\n");
    pipe.reader->drain();
    CHECK(pipe.lines == Lines{"one", "", "two\r"});
}

TEST_CASE("lines: an unfinished line waits for its end") {
    Pipe pipe;
    pipe.print("half");
    pipe.reader->drain();
    CHECK(pipe.lines.empty());
    pipe.print(" a line\nnext");
    pipe.reader->drain();
    CHECK(pipe.lines == Lines{"half a line"});
}

TEST_CASE("lines: the end of a message ends what has been read, and nothing else") {
    Pipe pipe;
    pipe.print("of the first message");
    pipe.reader->end_line();
    CHECK(pipe.lines == Lines{});
    CHECK(pipe.reader->drain());
    pipe.print("of the second\n");
    pipe.reader->end_line();
    pipe.reader->end_line();
    CHECK(pipe.lines == Lines{"of the first message"});
    pipe.reader->drain();
    CHECK(pipe.lines == Lines{"of the first message", "of the second"});
}

TEST_CASE("lines: more than a bite, and it is told that there is more") {
    Pipe pipe;
    pipe.print(std::string(100000, 'x'));
    CHECK_FALSE(pipe.reader->drain());
    CHECK(pipe.reader->drain());
    pipe.reader->end_line();
    std::string all;
    for (const std::string& line : pipe.lines) all += line;
    CHECK(all.size() == 100000);
}

TEST_CASE("lines: a pipe with nothing in it is no end") {
    Pipe pipe;
    pipe.reader->drain();
    pipe.print("later\n");
    pipe.reader->drain();
    CHECK(pipe.lines == Lines{"later"});
}

TEST_CASE("lines: at the death of the process the unfinished line is given up, once") {
    Pipe pipe;
    pipe.print("done\nlast words");
    pipe.writer.reset();
    pipe.reader->finish();
    CHECK(pipe.lines == Lines{"done", "last words"});
    pipe.reader->finish();
    pipe.reader->drain();
    CHECK(pipe.lines.size() == 2);
}

TEST_CASE("lines: finish() does not wait for a grandchild that holds the pipe") {
    Pipe pipe;
    pipe.print("last words");
    pipe.reader->finish();
    CHECK(pipe.lines == Lines{"last words"});
}

TEST_CASE("lines: one that is too long for the log comes in pieces, and no byte is lost") {
    Pipe pipe;
    const std::string line = std::string(3000, 'a') + std::string(3000, 'b') + "c";
    pipe.print(line + "\nnext\n");
    pipe.reader->drain();
    CHECK(pipe.lines == Lines{std::string(3000, 'a'), std::string(3000, 'b'), "c", "next"});
}

TEST_CASE("lines: exactly the longest piece is one line") {
    Pipe pipe;
    pipe.print(std::string(3000, 'a') + "\nnext\n");
    pipe.reader->drain();
    CHECK(pipe.lines == Lines{std::string(3000, 'a'), "next"});
}

TEST_CASE("lines: a flood without LF does not pile up") {
    Pipe pipe;
    for (int i = 0; i < 4; ++i) {
        pipe.print(std::string(60 * 1024, 'x'));
        pipe.reader->drain();
    }
    std::size_t bytes = 0;
    for (const auto& line : pipe.lines) bytes += line.size();
    CHECK(bytes >= 4 * 60 * 1024 - 3000);
}

TEST_CASE("lines: drain() takes one bite, so that a flood does not stop the server") {
    Pipe pipe;
    const std::string line(63, 'x');
    std::string flood;
    for (int i = 0; i < 4096; ++i) flood += line + "\n";
    pipe.print(flood);
    pipe.reader->drain();
    CHECK(pipe.lines.size() == 1024);
    pipe.reader->finish();
    CHECK(pipe.lines.size() == 4096);
}

TEST_CASE("lines: a flood of nothing but LF is bounded in lines, in a bite and at the death of the process") {
    Pipe pipe;
    pipe.print(std::string(512 * 1024, '\n'));
    pipe.reader->drain();
    CHECK(pipe.lines.size() >= 1024);
    CHECK(pipe.lines.size() <= 2048);
    pipe.reader->finish();
    CHECK(pipe.lines.size() <= 10 * 1024);
}
