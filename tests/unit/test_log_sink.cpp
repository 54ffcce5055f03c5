// LogSink: lines leave whole, and whatever the reader does, nobody waits for it.
#include "base/log_sink.h"

#include <csignal>
#include <cstdlib>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace pythonfilter;

namespace {

struct Pipe {
    UniqueFd reader, writer;
    Pipe() {
        int ends[2];
        REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
        reader.reset(ends[0]);
        writer.reset(ends[1]);
        fcntl(reader.get(), F_SETFL, O_NONBLOCK);
        REQUIRE(fcntl(writer.get(), F_SETPIPE_SZ, 4096) == 4096);
    }
    std::string read_all() const {
        std::string text;
        char chunk[4096];
        for (ssize_t n; (n = read(reader.get(), chunk, sizeof chunk)) > 0;)
            text.append(chunk, static_cast<std::size_t>(n));
        return text;
    }
};

// Reads and flushes in turn until all is out.
std::string drain(LogSink& sink, const Pipe& pipe) {
    std::string text;
    while (!sink.flush()) text += pipe.read_all();
    return text + pipe.read_all();
}

}  // namespace

TEST_CASE("sink: lines come out as they went in, with their priority") {
    const Pipe pipe;
    LogSink sink(pipe.writer.get());
    sink.line(LogLevel::info, "one");
    sink.line(LogLevel::error, "two");
    CHECK(pipe.read_all() == "");
    CHECK(sink.flush());
    CHECK(pipe.read_all() == "one\nERR: two\n");
}

TEST_CASE("sink: the flags of the descriptor that others share stay as they are") {
    const Pipe pipe;
    const int before = fcntl(pipe.writer.get(), F_GETFL);
    LogSink sink(pipe.writer.get());
    sink.line(LogLevel::info, "x");
    sink.flush();
    CHECK(fcntl(pipe.writer.get(), F_GETFL) == before);
    CHECK(sink.poll_fd() >= 0);
    CHECK((fcntl(sink.poll_fd(), F_GETFL) & O_NONBLOCK) != 0);
}

TEST_CASE("sink: a full pipe is no reason to wait, and every line comes out whole when there is room") {
    const Pipe pipe;
    LogSink sink(pipe.writer.get());
    std::string all;
    for (int i = 0; i < 100; ++i) {
        const std::string text = std::string(300, static_cast<char>('a' + i % 26)) + std::to_string(i);
        sink.line(LogLevel::info, text);
        all += text + "\n";
    }
    CHECK_FALSE(sink.flush());
    const std::string first = pipe.read_all();
    CHECK(first.size() <= 4096);
    CHECK(first.ends_with('\n'));
    CHECK(first + drain(sink, pipe) == all);
    CHECK(sink.dropped() == 0);
}

TEST_CASE("sink: what the log does not take is counted, and the count is logged when there is room") {
    const Pipe pipe;
    LogSink sink(pipe.writer.get());
    const std::string text(1000, 'x');
    for (int i = 0; i < 2000; ++i) sink.line(LogLevel::info, text);
    const auto dropped = sink.dropped();
    CHECK(dropped > 900);
    drain(sink, pipe);
    sink.line(LogLevel::info, "after");
    sink.line(LogLevel::info, "later");
    const std::string note = "WARN: " + std::to_string(dropped) + " log lines dropped: the log did not take them\n";
    CHECK(drain(sink, pipe) == note + "after\nlater\n");
    CHECK(sink.dropped() == dropped);
}

TEST_CASE("sink: a log that nobody reads any more is no error") {
    const auto old_handler = signal(SIGPIPE, SIG_IGN);
    Pipe pipe;
    LogSink sink(pipe.writer.get());
    pipe.reader.reset();
    sink.line(LogLevel::info, "x");
    CHECK(sink.flush());
    signal(SIGPIPE, old_handler);
}

TEST_CASE("sink: a socket is written without waiting and without SIGPIPE") {
    int ends[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    UniqueFd reader(ends[0]);
    const UniqueFd writer(ends[1]);
    LogSink sink(writer.get());
    sink.line(LogLevel::warning, "x");
    CHECK(sink.flush());
    char bytes[16] = {};
    CHECK(read(reader.get(), bytes, sizeof bytes) == 8);
    CHECK(std::string(bytes) == "WARN: x\n");
    for (int i = 0; i < 1000; ++i) sink.line(LogLevel::info, std::string(1000, 'x'));
    CHECK_FALSE(sink.flush());
    reader.reset();
    CHECK(sink.flush());
}

TEST_CASE("sink: lines are appended to a file, whoever else writes there") {
    char path[] = "/tmp/log-sink-test-XXXXXX";
    const UniqueFd file(mkostemp(path, O_CLOEXEC));
    REQUIRE(file);
    LogSink sink(file.get());
    REQUIRE(write(file.get(), "other\n", 6) == 6);
    sink.line(LogLevel::info, "ours");
    CHECK(sink.flush());
    char bytes[32] = {};
    CHECK(pread(file.get(), bytes, sizeof bytes, 0) == 11);
    CHECK(std::string(bytes) == "other\nours\n");
    unlink(path);
}

TEST_CASE("sink: what filters print leaves room for what the server says of it") {
    const Pipe pipe;
    LogSink sink(pipe.writer.get());
    for (int i = 0; i < 2000; ++i) sink.line(LogLevel::output, std::string(1000, 'x'));
    sink.line(LogLevel::info, "message id=1");
    const std::string text = drain(sink, pipe);
    CHECK(text.size() < 600 * 1024);
    CHECK(text.find("log lines dropped") != std::string::npos);
    CHECK(text.ends_with("message id=1\n"));
}
