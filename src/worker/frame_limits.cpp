#include "worker/frame_limits.h"

#include <algorithm>

namespace pythonfilter {
namespace {

// Together with 16 KiB of reply, the runs and the bypassed indexes of any chain that a person writes: far below
// kMaxFrame.
constexpr std::size_t kMaxTexts = 192 * 1024;
constexpr std::size_t kMaxRecipients = 128 * 1024;
constexpr std::size_t kMaxRemoved = 64 * 1024;
constexpr std::size_t kMaxDetail = 8 * 1024;
constexpr std::size_t kMaxRest = kMaxDetail + kMaxRetireText + kMaxNotes * kMaxNote;
static_assert(kMaxTexts + kMaxRecipients + kMaxRemoved + 2 * kMaxFactText + kMaxRest < kMaxFrame - 64 * 1024);

void cut(std::string& text, std::size_t limit) {
    if (text.size() > limit) text.resize(limit);
}

// Every text keeps the same share at least; short ones do not use theirs up, which nobody hands out again.
template <class Item>
void cut_texts(std::vector<Item>& items, std::size_t limit) {
    std::size_t total = 0;
    for (const auto& item : items) total += item.text.size();
    if (total <= limit) return;
    for (auto& item : items) cut(item.text, limit / items.size());
}

// What several lists of addresses may still take together.
struct Room {
    std::size_t bytes;
    std::size_t addresses = kMaxLoggedRecipients;
};

void cut_addresses(std::vector<std::string>& addresses, Room& room) {
    std::size_t kept = 0;
    for (auto& address : addresses) {
        cut(address, kMaxFactText);
        const std::size_t size = address.size() + sizeof(std::uint32_t);
        if (size > room.bytes || room.addresses == 0) break;
        room.bytes -= size;
        --room.addresses;
        ++kept;
    }
    addresses.resize(kept);
}

void cut_removals(std::vector<Removal>& removals) {
    Room room{kMaxRemoved};
    for (auto& removal : removals) cut_addresses(removal.recipients, room);
}

}  // namespace

void fit_texts(std::vector<Ready::Failure>& failures, std::size_t limit) { cut_texts(failures, limit); }

void fit_into_frame(Ready& ready) {
    cut_texts(ready.failures, kMaxTexts);
    cut(ready.sandbox_lacks, kMaxDetail);
}

void fit_into_frame(Progress& progress) {
    cut_texts(progress.incidents, kMaxTexts);
    cut_removals(progress.removals);
}

void fit_into_frame(Outcome& outcome) {
    cut_texts(outcome.incidents, kMaxTexts);
    cut_removals(outcome.removals);
    Room room{kMaxRecipients};
    cut_addresses(outcome.facts.recipients, room);
    cut(outcome.facts.id, kMaxFactText);
    cut(outcome.facts.sender, kMaxFactText);
    cut(outcome.detail, kMaxDetail);
    cut(outcome.retire, kMaxRetireText);
    if (outcome.notes.size() > kMaxNotes) outcome.notes.resize(kMaxNotes);
    for (auto& note : outcome.notes) cut(note, kMaxNote);
}

}  // namespace pythonfilter
