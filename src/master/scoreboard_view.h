// ScoreboardView: the master's side of a worker's scoreboard: makes and seals the memfd, copies values out of it, and
// offers tasks. The worker can write anything at any time, so each value is read once, bounded, and only believed where
// a lie shortens a deadline.
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"
#include "message/scoreboard.h"

#include <optional>
#include <string>

namespace pythonfilter {

class ScoreboardView {
public:
    static Result<ScoreboardView> create();
    ScoreboardView(ScoreboardView&& other) noexcept;
    ScoreboardView& operator=(ScoreboardView&&) = delete;
    ScoreboardView(const ScoreboardView&) = delete;
    ~ScoreboardView();

    /// Lent, to be passed to the worker.
    int fd() const { return fd_.get(); }
    /// The copy for the worker has been sent; the mapping is enough from now on.
    void close_fd() { fd_.reset(); }

    struct Running {
        std::uint64_t task_id = 0;
        std::uint32_t filter = ScoreboardPage::kNoFilter;
        TimePoint since{};
    };
    Running running() const;
    /// Of the files of `task_id` when it began.
    std::optional<Identity> began_with(std::uint64_t task_id) const;
    /// What the worker knew of the message of `task_id` when it began; empty when it had not begun. Raw, within the
    /// bounds of a page.
    MessageFacts facts(std::uint64_t task_id) const;
    /// Raw, at most 63 bytes.
    std::string message_id() const;
    /// What the traceback signal left there; raw, empty when nothing was written.
    std::string traceback() const;
    /// How many traces were written, and the last one; raw.
    std::uint32_t traces() const;
    std::string trace() const;
    /// Processes of filters were there when its last message ended.
    bool children_left() const;

    /// Before what filters printed is read: a worker whose message has printed something does not begin the next one
    /// before its outcome was heard, so that the message that it names is the one that printed.
    void will_read_output() { page().output_reads.fetch_add(1); }

    /// Before the task is sent.
    void offer(const Task& task) { page().offers[task.place].store(task.offer); }
    /// False when the worker has begun it, or says so.
    bool take_back(const Task& task) { return take_offer(page(), task); }

    FrameRing& tasks() { return task_ring(memory_); }
    FrameRing& verdicts() { return verdict_ring(memory_); }

private:
    ScoreboardView(UniqueFd fd, char* memory) : fd_(std::move(fd)), memory_(memory) {}
    const ScoreboardPage& page() const { return *reinterpret_cast<const ScoreboardPage*>(memory_); }
    ScoreboardPage& page() { return *reinterpret_cast<ScoreboardPage*>(memory_); }

    UniqueFd fd_;
    char* memory_;
};

}  // namespace pythonfilter
