// ScoreboardWriter: the worker's side of the scoreboard (message/scoreboard.h). Written before each filter, without a
// system call; the master reads it when this worker hangs or has died. Owned by the worker.
#pragma once

#include "base/unique_fd.h"
#include "message/scoreboard.h"

#include <optional>

namespace pythonfilter {

class ScoreboardWriter {
public:
    /// Maps what the worker writes of the memfd (lent).
    static std::optional<ScoreboardWriter> map(int memfd);

    /// Before anything is done for a task: false when the master has taken it back.
    bool take(const Task& task) { return take_offer(*page_, task); }
    std::uint32_t output_reads() const { return page_->output_reads.load(); }
    void begin_task(std::uint64_t id, const MessageFacts& facts, const Identity& identity);
    void begin_filter(std::uint32_t filter, TimePoint now);
    void end_filters();
    void end_task();
    void note_children(bool any) { page_->children.store(any ? 1 : 0, std::memory_order_relaxed); }

    ScoreboardPage* page() const { return page_; }
    FrameRing& tasks() const { return task_ring(reinterpret_cast<char*>(page_)); }
    FrameRing& verdicts() const { return verdict_ring(reinterpret_cast<char*>(page_)); }

private:
    explicit ScoreboardWriter(ScoreboardPage* page) : page_(page) {}
    void write_facts(const MessageFacts& facts);

    ScoreboardPage* page_;  // mapped until the process ends
};

/// An open file description of its own on the memfd, standing where the traceback goes, or the trace.
UniqueFd open_scoreboard(int memfd, std::size_t offset);

}  // namespace pythonfilter
