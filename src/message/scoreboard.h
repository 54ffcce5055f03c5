// The scoreboard: one sealed memfd per worker, made by the master. The worker writes without system calls what it does;
// the master reads it when a deadline expires or the worker died: for blame, for the timer of the filter that runs, and
// for status. Everything in its first page is gossip: a value may shorten a deadline, never lengthen one. Both write
// `offers`: who takes an offer out has the task, the worker to begin it, the master to give it to another worker.
// Behind the page come the two rings of frames (frame_ring.h), room for a trace, which a worker writes when it is asked
// and lives on, and room for the traceback that a stuck one writes right before it is killed.
#pragma once

#include "base/clock.h"
#include "message/frame_ring.h"
#include "message/frames.h"

#include <atomic>
#include <cstdint>
#include <string>
#include <type_traits>

namespace pythonfilter {

struct ScoreboardPage {
    static constexpr std::uint32_t kNoFilter = 0xFFFFFFFF;
    static constexpr std::size_t kPlaces = 16;  // of tasks that a worker has been sent and has not answered

    std::atomic<std::uint64_t> task_id;       // 0 = idle
    std::atomic<std::uint32_t> filter;        // chain index of the filter that runs, or kNoFilter
    std::atomic<std::uint32_t> served;        // tasks ended, only grows
    std::atomic<std::uint64_t> filter_start;  // to_nanoseconds(), of the filter that runs
    std::atomic<std::uint64_t> identity[2];   // of the files when the task began
    std::atomic<std::uint8_t> has_identity;   // 1 when identity[] belongs to task_id
    char message_id[64];                      // M record, NUL-terminated; may be torn, escape before use
    // For the log line of a message whose worker died. As raw as message_id.
    std::atomic<std::uint64_t> size;             // bytes of the body file
    std::atomic<std::uint32_t> recipient_count;  // all open ones
    std::atomic<std::uint32_t> envelope_used;    // bytes of envelope[] that mean something
    char envelope[3584];                         // sender and as many recipients as fit, NUL after each
    std::atomic<std::uint32_t> traces;           // written so far, the last one whole; only grows
    std::atomic<std::uint32_t> children;         // 1: processes were there when the last message ended
    std::atomic<std::uint32_t> output_reads;     // by the master, before each: how often it has read what filters print
    std::atomic<std::uint64_t> offers[kPlaces];  // Task::offer by Task::place; 0: it has been taken
};
static_assert(std::is_standard_layout_v<ScoreboardPage> && sizeof(ScoreboardPage) <= 4096);
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

/// True when the task was still there: it is the caller's now, and nobody else's.
inline bool take_offer(ScoreboardPage& page, const Task& task) {
    std::uint64_t offer = task.offer;
    return task.place < ScoreboardPage::kPlaces && page.offers[task.place].compare_exchange_strong(offer, 0);
}

inline constexpr std::size_t kScoreboardPageSize = 4096;
inline constexpr std::size_t kTaskRingOffset = kScoreboardPageSize;
inline constexpr std::size_t kVerdictRingOffset = kTaskRingOffset + FrameRing::kSize;
inline constexpr std::size_t kTraceOffset = kVerdictRingOffset + FrameRing::kSize;
inline constexpr std::size_t kTracebackOffset = 48 * 1024;
inline constexpr std::size_t kScoreboardMapped = kTracebackOffset;  // by the worker: all but the traceback
inline constexpr std::size_t kTraceRoom = kTracebackOffset - kTraceOffset;
inline constexpr std::size_t kScoreboardSize = 80 * 1024;

/// `memory`: the mapped scoreboard.
inline FrameRing& task_ring(char* memory) { return *reinterpret_cast<FrameRing*>(memory + kTaskRingOffset); }
inline FrameRing& verdict_ring(char* memory) { return *reinterpret_cast<FrameRing*>(memory + kVerdictRingOffset); }

/// faulthandler writes the traceback of all threads when this signal arrives. Only right before a kill.
int traceback_signal();
/// The worker writes its trace when this signal arrives, and goes on.
int trace_signal();

}  // namespace pythonfilter
