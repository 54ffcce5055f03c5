// ScoreboardView: the page cannot be shrunk under the master, and whatever a worker writes into it is read bounded.
#include "master/scoreboard_view.h"

#include <cstring>
#include <doctest/doctest.h>
#include <limits>
#include <sys/mman.h>
#include <unistd.h>

using namespace pythonfilter;

namespace {

// The worker's side: the same page, writable.
struct Worker {
    explicit Worker(int fd) : memory(mmap(nullptr, kScoreboardSize, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)) {
        REQUIRE(memory != MAP_FAILED);
    }
    Worker(const Worker&) = delete;
    ~Worker() { munmap(memory, kScoreboardSize); }

    ScoreboardPage& page() const { return *static_cast<ScoreboardPage*>(memory); }
    char* trace() const { return static_cast<char*>(memory) + kTraceOffset; }
    char* traceback() const { return static_cast<char*>(memory) + kTracebackOffset; }

    void* memory;
};

}  // namespace

TEST_CASE("scoreboard: a fresh page is idle and empty") {
    const ScoreboardView view = std::move(ScoreboardView::create().value());
    CHECK(view.running().task_id == 0);
    CHECK_FALSE(view.began_with(1));
    CHECK(view.message_id() == "");
    CHECK(view.traceback() == "");
}

TEST_CASE("scoreboard: the worker cannot change its size") {
    const ScoreboardView view = std::move(ScoreboardView::create().value());
    CHECK(ftruncate(view.fd(), 0) != 0);
    CHECK(ftruncate(view.fd(), kScoreboardSize - 1) != 0);
    CHECK(ftruncate(view.fd(), kScoreboardSize + 1) != 0);
}

TEST_CASE("scoreboard: what the worker writes is what the master reads, also after the descriptor was closed") {
    ScoreboardView view = std::move(ScoreboardView::create().value());
    const Worker worker(view.fd());
    view.close_fd();
    CHECK(view.fd() == -1);
    const TimePoint start = Clock::now();
    worker.page().task_id = 42;
    worker.page().filter = 3;
    worker.page().filter_start = to_nanoseconds(start);
    CHECK(view.running().task_id == 42);
    CHECK(view.running().filter == 3);
    CHECK(view.running().since == start);
}

TEST_CASE("scoreboard: a start time beyond all reason leaves room to add a timeout") {
    const ScoreboardView view = std::move(ScoreboardView::create().value());
    const Worker worker(view.fd());
    constexpr std::uint64_t half = std::uint64_t{1} << 63;
    for (const std::uint64_t value : {std::numeric_limits<std::uint64_t>::max(), half, half - 1}) {
        worker.page().filter_start = value;
        const TimePoint since = view.running().since;
        CHECK(since > Clock::now() + std::chrono::hours(24 * 365));
        CHECK(since + std::chrono::hours(24 * 365) > since);
        CHECK(since - Clock::now() > std::chrono::hours(24 * 365));
    }
}

TEST_CASE("scoreboard: the identity is that of the task asked about, and only when there is one") {
    const ScoreboardView view = std::move(ScoreboardView::create().value());
    const Worker worker(view.fd());
    worker.page().task_id = 42;
    worker.page().identity[0] = 7;
    worker.page().identity[1] = 8;
    CHECK_FALSE(view.began_with(42));
    worker.page().has_identity = 1;
    CHECK(view.began_with(42) == Identity{{7, 8}});
    CHECK_FALSE(view.began_with(41));
    worker.page().has_identity = 2;
    CHECK_FALSE(view.began_with(42));
}

TEST_CASE("scoreboard: a message id without end is cut") {
    const ScoreboardView view = std::move(ScoreboardView::create().value());
    const Worker worker(view.fd());
    std::strcpy(worker.page().message_id, "000000000010641D.000000006B02BEEE.00004104");
    CHECK(view.message_id() == "000000000010641D.000000006B02BEEE.00004104");
    std::memset(worker.page().message_id, 'x', sizeof worker.page().message_id);
    CHECK(view.message_id() == std::string(63, 'x'));
}

TEST_CASE("scoreboard: the envelope of a task that began, and of no other") {
    const ScoreboardView view = std::move(ScoreboardView::create().value());
    const Worker worker(view.fd());
    ScoreboardPage& page = worker.page();
    constexpr std::string_view envelope("a@x.test\0b@y.test\0c@y.test\0", 27);
    std::memcpy(page.envelope, envelope.data(), envelope.size());
    page.envelope_used = static_cast<std::uint32_t>(envelope.size());
    page.recipient_count = 5;
    page.size = 1234;
    page.task_id = 42;
    const MessageFacts facts = view.facts(42);
    CHECK(facts.sender == "a@x.test");
    CHECK(facts.recipients == std::vector<std::string>{"b@y.test", "c@y.test"});
    CHECK(facts.recipient_count == 5);
    CHECK(facts.size == 1234);
    CHECK(view.facts(41).sender.empty());
    CHECK(view.facts(41).recipient_count == 0);
}

TEST_CASE("scoreboard: an envelope that lies is read within its bounds") {
    const ScoreboardView view = std::move(ScoreboardView::create().value());
    const Worker worker(view.fd());
    ScoreboardPage& page = worker.page();
    page.task_id = 42;
    page.envelope_used = std::numeric_limits<std::uint32_t>::max();
    std::memset(page.envelope, 'x', sizeof page.envelope);  // no end anywhere
    CHECK(view.facts(42).sender.empty());
    std::memset(page.envelope, 0, sizeof page.envelope);  // thousands of empty addresses
    CHECK(view.facts(42).recipients.size() == kMaxLoggedRecipients);
    CHECK(view.facts(42).recipient_count == kMaxLoggedRecipients);
}

TEST_CASE("scoreboard: a traceback without end stops at the end of the page") {
    const ScoreboardView view = std::move(ScoreboardView::create().value());
    const Worker worker(view.fd());
    std::strcpy(worker.traceback(), "Current thread (most recent call first):\n");
    CHECK(view.traceback() == "Current thread (most recent call first):\n");
    std::memset(worker.traceback(), 'x', kScoreboardSize - kTracebackOffset);
    CHECK(view.traceback().size() == kScoreboardSize - kTracebackOffset);
}

TEST_CASE("scoreboard: a trace has a room of its own, and does not reach beyond it") {
    const ScoreboardView view = std::move(ScoreboardView::create().value());
    const Worker worker(view.fd());
    CHECK(view.traces() == 0);
    std::strcpy(worker.traceback(), "old");
    std::memset(worker.trace(), 'x', kTraceRoom);
    worker.page().traces = 3;
    CHECK(view.traces() == 3);
    CHECK(view.trace() == std::string(kTraceRoom, 'x'));
    CHECK(view.traceback() == "old");
}

TEST_CASE("scoreboard: it can be moved") {
    ScoreboardView first = std::move(ScoreboardView::create().value());
    const Worker worker(first.fd());
    worker.page().task_id = 5;
    const ScoreboardView second = std::move(first);
    CHECK(second.running().task_id == 5);
}
