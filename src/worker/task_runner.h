// TaskRunner: one task from its files to its outcome. Opens the files, runs the pool's filters in order under the rules
// of FilterChain, tells the scoreboard which one runs, notes which recipients each removed, and reports progress by a
// callback given at construction. Called by the worker loop. It never changes a file and never writes a frame itself.
#pragma once

#include "message/frames.h"
#include "worker/filter_chain.h"
#include "worker/filter_loader.h"
#include "worker/run_cpu.h"
#include "worker/scoreboard_writer.h"
#include "worker/task_files.h"
#include "worker/tidy_up.h"

#include <functional>
#include <vector>

namespace pythonfilter {

class TaskRunner {
public:
    using ProgressCallback = std::function<void(Progress)>;

    /// The filters, the scoreboard and `tidy_up` outlive the runner.
    TaskRunner(const std::vector<LoadedFilter>& filters, ScoreboardWriter& scoreboard, TidyUp& tidy_up,
               ProgressCallback on_progress)
        : filters_(filters), scoreboard_(scoreboard), tidy_up_(tidy_up), on_progress_(std::move(on_progress)) {}

    Outcome run(const Task& task);

private:
    struct Message;

    void run_filters(const Task& task, Message& message, Outcome& outcome);
    void note_change(std::uint32_t index, const Identity& now, Message& message, Outcome& outcome);
    static bool is_refused_now(const Task& task, Outcome& outcome);
    ChainStep run_filter(std::uint32_t index, Message& message, Outcome& outcome);
    ChainStep run_hook(const LoadedFilter& filter, PyObject* hook, Message& message, Outcome& outcome);
    void report_progress(std::uint32_t index, const Message& message, const Outcome& outcome);
    const LoadedFilter* find(std::uint32_t index) const;

    const std::vector<LoadedFilter>& filters_;
    ScoreboardWriter& scoreboard_;
    TidyUp& tidy_up_;
    ProgressCallback on_progress_;
    RunCpu cpu_;
    ControlTexts texts_;  // of the message in hand; none when its files were not read
};

}  // namespace pythonfilter
