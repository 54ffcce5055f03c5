// WorkerLink: frames of any size get through both ways, the worker is woken only when it waits, and a worker that talks
// nonsense or ends is told once.
#include "master/scoreboard_view.h"
#include "master/worker_link.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <functional>
#include <memory>
#include <poll.h>
#include <string>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

using namespace pythonfilter;

namespace {

std::string frame_of(std::size_t length, char c = 'x') {
    const FrameHeader header{static_cast<std::uint32_t>(length), FrameType::outcome, 0};
    return std::string(reinterpret_cast<const char*>(&header), sizeof header) + std::string(length, c);
}

// The link, and the worker's ends of it.
struct Fixture {
    Fixture() {
        int fds[2];
        REQUIRE(pipe2(fds, O_CLOEXEC | O_NONBLOCK) == 0);
        bell.reset(fds[0]);
        UniqueFd task(fds[1]);
        REQUIRE(pipe2(fds, O_CLOEXEC | O_NONBLOCK) == 0);
        verdict.reset(fds[1]);
        link = std::make_unique<WorkerLink>(
            loop, view.tasks(), view.verdicts(), std::move(task), UniqueFd(fds[0]),
            WorkerLink::Callbacks{[this](const FrameStream::Frame& frame) {
                                      frames.emplace_back(frame.payload);
                                      if (on_frame) on_frame();
                                      return makes_sense;
                                  },
                                  [this] { ++nonsense; }, [this] { ++ends; }, [this] { ++lost; }});
        link->hear();
    }

    void wake_master() { CHECK(write(verdict.get(), "", 1) == 1); }
    bool was_woken() {
        char byte;
        return read(bell.get(), &byte, 1) == 1;
    }
    // Lets the loop do what there is to do; `between` is called before each of its waits.
    void run(Duration time, const std::function<void()>& between = {}) {
        BeforeWait before(loop, [&] {
            if (between) between();
        });
        Timer end(loop, [this] { loop.stop(); });
        end.start(time);
        loop.run();
    }

    Loop loop;
    ScoreboardView view = std::move(ScoreboardView::create().value());
    FrameRingReader tasks{view.tasks()};
    FrameRingWriter verdicts{view.verdicts()};
    UniqueFd bell, verdict;
    std::unique_ptr<WorkerLink> link;
    std::vector<std::string> frames;
    std::function<void()> on_frame;
    bool makes_sense = true;
    int nonsense = 0, ends = 0, lost = 0;
};

}  // namespace

TEST_CASE("worker link: a worker that waits is woken before the loop waits, and one that does not is left alone") {
    Fixture its;
    its.tasks.will_wait();
    its.link->expect(true);
    its.link->put("one");
    its.link->flush();
    CHECK_FALSE(its.was_woken());
    its.run(1ms);
    CHECK(its.was_woken());
    its.link->put("two");
    its.link->flush();
    its.run(1ms);
    CHECK_FALSE(its.was_woken());
}

TEST_CASE("worker link: the wake-up that is owed comes, too, when the answer is not expected soon any more") {
    Fixture its;
    its.tasks.will_wait();
    its.link->expect(true);
    its.link->put("one");
    its.link->flush();
    CHECK_FALSE(its.was_woken());
    its.link->expect(false);
    its.run(1ms);
    CHECK(its.was_woken());
}

TEST_CASE("worker link: a slow worker is woken at once") {
    Fixture its;
    its.tasks.will_wait();
    its.link->expect(false);
    its.link->put("one");
    its.link->flush();
    CHECK(its.was_woken());
}

TEST_CASE("worker link: a task that is larger than the ring is sent as the worker takes it") {
    Fixture its;
    const std::string task(5 * FrameRing::kRoom + 17, 't');
    its.link->expect(true);
    its.link->put(task);
    CHECK_FALSE(its.link->takes_more());
    its.link->flush();
    std::string got;
    its.run(50ms, [&] {
        CHECK(its.tasks.take([&](std::string_view part) { got += part; }));
        if (its.tasks.must_wake()) its.wake_master();
    });
    CHECK(got == task);
    CHECK(its.link->takes_more());
}

TEST_CASE("worker link: a verdict that is larger than the ring comes whole, and the worker is told of the room") {
    Fixture its;
    const std::string frame = frame_of(5 * FrameRing::kRoom);
    std::string_view rest = frame;
    its.run(50ms, [&] {
        rest.remove_prefix(its.verdicts.put(rest));
        if (its.verdicts.must_wake()) its.wake_master();
        its.verdicts.will_wait();
    });
    REQUIRE(its.frames.size() == 1);
    CHECK(its.frames[0] == frame.substr(sizeof(FrameHeader)));
    CHECK(its.was_woken());
}

TEST_CASE("worker link: a loop that is awake need not be woken for an answer that it expects") {
    Fixture its;
    its.link->expect(false);
    its.run(1ms);
    its.link->expect(true);
    its.verdicts.put(frame_of(10));
    CHECK_FALSE(its.verdicts.must_wake());
    its.run(1ms);
    CHECK(its.frames.size() == 1);
}

TEST_CASE("worker link: a loop that sleeps is woken for each answer, expected or not") {
    Fixture its;
    for (const bool expected : {true, false, true, false}) {
        its.link->expect(expected);
        const std::size_t before = its.frames.size();
        bool was_asleep = false;
        std::thread worker([&] {
            std::this_thread::sleep_for(10ms);
            its.verdicts.put(frame_of(10));
            was_asleep = its.verdicts.must_wake();
            if (was_asleep) its.wake_master();
        });
        its.on_frame = [&] { its.loop.stop(); };
        its.run(30s);
        worker.join();
        CHECK(was_asleep);
        CHECK(its.frames.size() == before + 1);
    }
}

TEST_CASE("worker link: an answer that comes while the loop is awake needs no waking") {
    Fixture its;
    its.link->expect(true);
    bool sent = false;
    its.run(20ms, [&] {
        if (!std::exchange(sent, true)) its.verdicts.put(frame_of(10));
    });
    CHECK(its.frames.size() == 1);
}

TEST_CASE("worker link: what comes in a flood is taken in pieces, so that others have their turn") {
    Fixture its;
    const std::string frame = frame_of(FrameRing::kRoom / 8 - sizeof(FrameHeader));
    std::size_t waits = 0, most = 0, before = 0;
    its.link->expect(true);
    its.run(20ms, [&] {
        ++waits;
        most = std::max(most, its.frames.size() - before);
        before = its.frames.size();
        while (its.verdicts.put(frame) == frame.size()) {
        }
        its.frames.clear();
        before = 0;
    });
    CHECK(waits > 10);
    CHECK(most <= 8);
}

TEST_CASE("worker link: nonsense is told once, and nothing more is heard") {
    Fixture its;
    SUBCASE("a frame of no known kind") {
        const FrameHeader header{4, static_cast<FrameType>(9), 0};
        its.verdicts.put({reinterpret_cast<const char*>(&header), sizeof header});
    }
    SUBCASE("a frame that its owner refuses") {
        its.makes_sense = false;
        its.verdicts.put(frame_of(3) + frame_of(4));
    }
    SUBCASE("more bytes than there is room for") { its.view.verdicts().written = FrameRing::kRoom + 1; }
    SUBCASE("fewer bytes than before") {
        its.verdicts.put(frame_of(3));
        its.link->look();
        its.view.verdicts().written = 1;
    }
    its.wake_master();
    its.run(5ms);
    CHECK(its.nonsense == 1);
    CHECK_FALSE(its.link->hears());
    const std::size_t before = its.frames.size();
    its.verdicts.put(frame_of(5));
    its.link->look();
    CHECK(its.frames.size() == before);
    CHECK(its.nonsense == 1);
}

TEST_CASE("worker link: into a ring that somebody else wrote to no task is sent") {
    Fixture its;
    SUBCASE("more was taken than was sent") { its.view.tasks().taken = 1; }
    SUBCASE("more was sent") { its.view.tasks().written = 1; }
    its.link->put("task");
    its.link->flush();
    CHECK(its.lost == 1);
    CHECK(its.link->takes_more());
    its.run(1ms);
    CHECK(its.lost == 1);
    its.verdicts.put(frame_of(3));
    its.link->look();
    CHECK(its.frames.size() == 1);
}

TEST_CASE("worker link: what was said before the end is heard before the end") {
    Fixture its;
    its.link->expect(true);
    its.verdicts.put(frame_of(3));
    its.on_frame = [&] { CHECK(its.ends == 0); };
    its.verdict.reset();
    its.run(5ms);
    CHECK(its.frames.size() == 1);
    CHECK(its.ends == 1);
    CHECK_FALSE(its.link->hears());
}

TEST_CASE("worker link: some bytes in the pipe say nothing, more of them are nonsense") {
    Fixture its;
    const std::string rubbish(1000, '?');
    its.link->expect(true);
    its.verdicts.put(frame_of(3));
    CHECK(write(its.verdict.get(), rubbish.data(), 10) == 10);
    its.run(5ms);
    CHECK(its.frames.size() == 1);
    CHECK(its.nonsense == 0);
    CHECK(write(its.verdict.get(), rubbish.data(), rubbish.size()) == 1000);
    its.verdicts.put(frame_of(3));
    its.run(5ms);
    CHECK(its.frames.size() == 2);
    CHECK(its.nonsense == 1);
}

TEST_CASE("worker link: room that was made while it was asked for is used, soon or not") {
    for (const bool soon : {false, true}) {
        Fixture its;
        const std::string task(FrameRing::kRoom + 10, 't');
        its.link->expect(true);
        its.run(1ms, [&, sent = false]() mutable {  // behind the look that is before this wait
            if (std::exchange(sent, true)) return;
            its.link->expect(soon);
            its.link->put(task);
            its.link->flush();
            CHECK(its.tasks.take([](std::string_view) {}));  // and it is not told that there was somebody waiting
            its.view.tasks().writer_waits = 0;
        });
        its.run(20ms);
        std::string rest;
        CHECK(its.tasks.take([&](std::string_view part) { rest += part; }));
        CHECK(rest.size() == 10);
    }
}

TEST_CASE("worker link: the worker sees when no more tasks come") {
    Fixture its;
    its.link->close();
    char byte;
    CHECK(read(its.bell.get(), &byte, 1) == 0);
}
