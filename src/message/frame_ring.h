// FrameRing: the bytes of frames on their way from one process to another, in memory that both have mapped: one ring
// in each direction, in the scoreboard. What is written there is seen without a system call; only an end that says that
// it is about to wait must be woken, by whatever its user has for that (here: a byte in a pipe). Each end keeps its own
// count to itself and checks the other's: a process that writes nonsense gets nonsense, and is told from a full or an
// empty ring where that can be told. The caller makes frames of the bytes (frames.h) and trusts none of them.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string_view>

namespace pythonfilter {

// Who says that it waits and then looks, and who changes a count and then looks whether the other waits, need one order
// of all four (seq_cst): else both could look too early, and the first one would wait for ever.
struct FrameRing {
    static constexpr std::size_t kSize = 8 * 1024;
    static constexpr std::size_t kRoom = kSize - 128;

    alignas(64) std::atomic<std::uint64_t> written;  // bytes in all, by the writer
    std::atomic<std::uint32_t> writer_waits;         // 1: for room; the reader sets it back and wakes the writer
    alignas(64) std::atomic<std::uint64_t> taken;    // bytes in all, by the reader
    std::atomic<std::uint32_t> reader_waits;         // 1: for bytes; the writer sets it back and wakes the reader
    alignas(64) char bytes[kRoom];
};
static_assert(sizeof(FrameRing) == FrameRing::kSize);

/// The end that writes. Only one at a time.
class FrameRingWriter {
public:
    explicit FrameRingWriter(FrameRing& ring) : ring_(ring) {}

    /// How many of the bytes found room: the first ones. They can be read from now on.
    std::size_t put(std::string_view bytes);
    /// After put(): the reader waits, and the caller must wake it. Says so once.
    bool must_wake();
    /// The reader is to wake this end when it has made room. Then look once more before waiting.
    void will_wait() { ring_.writer_waits.store(1); }
    bool has_room() const { return room() > 0; }
    /// The reader has taken all, and waits for more.
    bool reader_waits() const { return used() == 0 && ring_.reader_waits.load() != 0; }
    /// Nobody else has written, and the reader has taken no more than there was.
    bool is_sound() const {
        return ring_.written.load(std::memory_order_relaxed) == written_ && used() <= FrameRing::kRoom;
    }

private:
    std::uint64_t used() const { return written_ - ring_.taken.load(); }
    std::size_t room() const;

    FrameRing& ring_;
    std::uint64_t written_ = 0;
};

/// The end that reads. Only one at a time.
class FrameRingReader {
public:
    explicit FrameRingReader(FrameRing& ring) : ring_(ring) {}

    bool empty() const { return ring_.written.load() == taken_; }
    /// Hands all that is there to `copy`, as one or two views of memory that the writer may still change, to be copied
    /// at once. False when the writer says that it has written more than there is room for.
    template <class Take>
    bool take(Take copy) {
        const auto parts = look();
        if (!parts) return false;
        if (!parts->first.empty()) copy(parts->first);
        if (!parts->second.empty()) copy(parts->second);
        done(parts->first.size() + parts->second.size());
        return true;
    }
    /// After take(): the writer waits, and the caller must wake it. Says so once.
    bool must_wake();
    /// The writer is to wake this end when it has written something. Then look once more before waiting.
    void will_wait() { ring_.reader_waits.store(1); }
    /// It need not any more.
    void will_not_wait() { ring_.reader_waits.store(0, std::memory_order_relaxed); }

private:
    struct Parts {
        std::string_view first, second;
    };
    std::optional<Parts> look() const;
    void done(std::size_t bytes);

    FrameRing& ring_;
    std::uint64_t taken_ = 0;
};

}  // namespace pythonfilter
