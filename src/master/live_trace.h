// LiveTrace: asks a worker that shall live on where its filter is (worker/trace_handler.h), and waits for the answer.
// Called by worker_slot. Gossip like all that a worker writes: a text for the log, raw, and nothing else.
#pragma once

#include "master/loop.h"
#include "master/scoreboard_view.h"

#include <functional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace pythonfilter {

class LiveTrace {
public:
    using Callback = std::function<void(std::string)>;

    /// `scoreboard` outlives it.
    LiveTrace(Loop& loop, const ScoreboardView& scoreboard)
        : scoreboard_(scoreboard), to_look_(loop, [this] { look(); }) {}

    /// The trace, or "no traceback: ..." when there is none in time; once, perhaps at once.
    void ask(int pidfd, pid_t pid, Callback callback);
    /// Whoever still waits gets "no traceback: <why>".
    void give_up(const std::string& why);

private:
    static constexpr Duration kLook = 5ms;     // costs no system call
    static constexpr Duration kGrace = 500ms;  // nothing waits for it

    void look();
    void answer(const std::string& text);

    const ScoreboardView& scoreboard_;
    std::vector<Callback> waiting_;
    std::uint32_t traces_ = 0;  // when it was asked
    TimePoint ends_{};
    Timer to_look_;  // active while somebody waits
};

}  // namespace pythonfilter
