// FrameRing: what one end puts in comes out at the other whole and in order, nobody waits for ever, and counts that
// make no sense lead to no byte outside.
#include "message/frame_ring.h"

#include <atomic>
#include <doctest/doctest.h>
#include <memory>
#include <random>
#include <string>
#include <thread>

using namespace pythonfilter;

namespace {

struct Ends {
    std::unique_ptr<FrameRing> ring = std::make_unique<FrameRing>();
    FrameRingWriter writer{*ring};
    FrameRingReader reader{*ring};

    std::string take() {
        std::string bytes;
        CHECK(reader.take([&](std::string_view part) { bytes += part; }));
        return bytes;
    }
};

// The byte at a place of an endless text, so that any loss or repetition shows.
char letter(std::uint64_t place) { return static_cast<char>(place * 7 + (place >> 8) * 13 + (place >> 16)); }

std::string text_from(std::uint64_t place, std::size_t length) {
    std::string text(length, '\0');
    for (char& c : text) c = letter(place++);
    return text;
}

}  // namespace

TEST_CASE("frame ring: what is put in comes out, in order and once") {
    Ends ends;
    CHECK(ends.reader.empty());
    CHECK(ends.take() == "");
    CHECK(ends.writer.put("one ") == 4);
    CHECK(ends.writer.put("two") == 3);
    CHECK_FALSE(ends.reader.empty());
    CHECK(ends.take() == "one two");
    CHECK(ends.reader.empty());
    CHECK(ends.take() == "");
}

TEST_CASE("frame ring: it takes as much as there is room, and goes round") {
    Ends ends;
    std::uint64_t place = 0;
    constexpr std::size_t kRoom = FrameRing::kRoom;
    for (const std::size_t length : {kRoom - 1, std::size_t{3}, kRoom, kRoom / 2 + 1}) {
        const std::string text = text_from(place, length);
        CHECK(ends.writer.put(text) == length);
        CHECK(ends.take() == text);
        place += length;
    }
    const std::string more = text_from(place, 2 * FrameRing::kRoom);
    CHECK(ends.writer.put(more) == FrameRing::kRoom);
    CHECK_FALSE(ends.writer.has_room());
    CHECK(ends.writer.put("x") == 0);
    CHECK(ends.take() == more.substr(0, FrameRing::kRoom));
    CHECK(ends.writer.has_room());
}

TEST_CASE("frame ring: who waits is to be woken, once") {
    Ends ends;
    CHECK_FALSE(ends.writer.must_wake());
    ends.reader.will_wait();
    CHECK(ends.writer.must_wake());
    CHECK_FALSE(ends.writer.must_wake());
    ends.reader.will_wait();
    ends.reader.will_not_wait();
    CHECK_FALSE(ends.writer.must_wake());

    CHECK_FALSE(ends.reader.must_wake());
    ends.writer.will_wait();
    CHECK(ends.reader.must_wake());
    CHECK_FALSE(ends.reader.must_wake());
}

TEST_CASE("frame ring: a reader that waits for more has taken all") {
    Ends ends;
    CHECK_FALSE(ends.writer.reader_waits());
    ends.reader.will_wait();
    CHECK(ends.writer.reader_waits());
    ends.writer.put("abc");
    CHECK_FALSE(ends.writer.reader_waits());
    CHECK(ends.take() == "abc");
    CHECK(ends.writer.reader_waits());
    CHECK(ends.writer.must_wake());
    CHECK_FALSE(ends.writer.reader_waits());
}

TEST_CASE("frame ring: counts that make no sense are told, and nothing is read or written") {
    Ends ends;
    ends.writer.put("abc");
    CHECK(ends.writer.is_sound());
    for (const std::uint64_t lie : {std::uint64_t{FrameRing::kRoom + 1}, ~std::uint64_t{0}, std::uint64_t{1} << 63}) {
        ends.ring->written = lie;
        CHECK_FALSE(ends.reader.take([](std::string_view) { FAIL("there is nothing to take"); }));
        CHECK_FALSE(ends.writer.is_sound());
    }
    ends.ring->written = 3;
    CHECK(ends.writer.is_sound());
    for (const std::uint64_t lie : {std::uint64_t{4}, std::uint64_t{1} << 63}) {
        ends.ring->taken = lie;
        CHECK_FALSE(ends.writer.is_sound());
        CHECK(ends.writer.put("x") == 0);
    }
    CHECK(ends.ring->written == 3);
}

// Each end says that it waits before it does, looks once more, and is woken by the other: the flag is a door bell here.
TEST_CASE("frame ring: two threads, each of which waits for the other, come to the end") {
    constexpr std::uint64_t kLength = 20'000'000;
    Ends ends;
    std::atomic<int> for_reader = 0, for_writer = 0;
    const auto wait = [](std::atomic<int>& bell) {
        bell.wait(0);
        bell.store(0);
    };
    const auto ring = [](std::atomic<int>& bell) {
        bell.store(1);
        bell.notify_one();
    };
    std::thread thread([&] {
        std::minstd_rand random;
        for (std::uint64_t place = 0; place < kLength;) {
            const std::string text = text_from(place, 1 + random() % 3000);
            const std::size_t put = ends.writer.put(std::string_view(text).substr(0, kLength - place));
            place += put;
            if (ends.writer.must_wake()) ring(for_reader);
            if (put > 0) continue;
            ends.writer.will_wait();
            if (!ends.writer.has_room()) wait(for_writer);
        }
    });
    std::uint64_t place = 0, wrong = 0;
    while (place < kLength) {
        CHECK(ends.reader.take([&](std::string_view part) {
            for (const char c : part) wrong += c != letter(place++);
        }));
        if (ends.reader.must_wake()) ring(for_writer);
        if (!ends.reader.empty() || place == kLength) continue;
        ends.reader.will_wait();
        if (ends.reader.empty()) wait(for_reader);
        else ends.reader.will_not_wait();
    }
    thread.join();
    CHECK(wrong == 0);
}
