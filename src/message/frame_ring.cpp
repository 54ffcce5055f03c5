#include "message/frame_ring.h"

#include <algorithm>
#include <cstring>

namespace pythonfilter {
namespace {

// A load first: mostly nobody waits, and an exchange takes the line away from the other processor.
bool take_flag(std::atomic<std::uint32_t>& flag) { return flag.load() != 0 && flag.exchange(0) != 0; }

}  // namespace

std::size_t FrameRingWriter::room() const {
    const std::uint64_t now = used();
    return now <= FrameRing::kRoom ? FrameRing::kRoom - now : 0;  // more: the reader says nonsense, and gets nothing
}

std::size_t FrameRingWriter::put(std::string_view bytes) {
    bytes = bytes.substr(0, room());
    const std::size_t start = written_ % FrameRing::kRoom;
    const std::size_t first = std::min(bytes.size(), FrameRing::kRoom - start);
    std::memcpy(ring_.bytes + start, bytes.data(), first);
    std::memcpy(ring_.bytes, bytes.data() + first, bytes.size() - first);
    written_ += bytes.size();
    ring_.written.store(written_);
    return bytes.size();
}

bool FrameRingWriter::must_wake() { return take_flag(ring_.reader_waits); }

std::optional<FrameRingReader::Parts> FrameRingReader::look() const {
    const std::uint64_t there = ring_.written.load(std::memory_order_acquire) - taken_;
    if (there > FrameRing::kRoom) return std::nullopt;
    const std::size_t start = taken_ % FrameRing::kRoom;
    const std::size_t first = std::min<std::size_t>(there, FrameRing::kRoom - start);
    return Parts{{ring_.bytes + start, first}, {ring_.bytes, there - first}};
}

void FrameRingReader::done(std::size_t bytes) {
    taken_ += bytes;
    ring_.taken.store(taken_);
}

bool FrameRingReader::must_wake() { return take_flag(ring_.writer_waits); }

}  // namespace pythonfilter
