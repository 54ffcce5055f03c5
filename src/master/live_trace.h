// LiveTrace: asks a worker that shall live on where its filter is (worker/trace_handler.h), and waits for the answer.
// Called by worker_slot. Gossip like all that a worker writes: a text to be shown, raw, and nothing else.
#pragma once

#include "master/loop.h"
#include "master/scoreboard_view.h"

#include <functional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace pythonfilter {

struct WorkerTrace {
    std::string text;     // lines, raw; empty: there is none
    std::string missing;  // why; empty: there is one
};

class LiveTrace {
public:
    using Callback = std::function<void(WorkerTrace)>;

    /// `scoreboard` outlives it.
    LiveTrace(Loop& loop, const ScoreboardView& scoreboard)
        : scoreboard_(scoreboard), to_look_(loop, [this] { look(); }) {}

    /// The trace, or why there is none in time; once, perhaps at once.
    void ask(int pidfd, pid_t pid, Callback callback);
    /// Whoever still waits is told why.
    void give_up(std::string_view why);

private:
    static constexpr Duration kLook = 5ms;     // costs no system call
    static constexpr Duration kGrace = 500ms;  // nothing waits for it

    void look();
    void take();
    void answer(const WorkerTrace& trace);

    const ScoreboardView& scoreboard_;
    std::vector<Callback> waiting_;
    std::uint32_t traces_ = 0;  // when it was asked
    TimePoint ends_{};
    Timer to_look_;  // active while somebody waits
};

}  // namespace pythonfilter
