// AheadPolicy: how many tasks may be sent to a worker behind the one that it runs. While messages wait, a worker
// that finds its next task there need not sleep until the master has sent it one. But what lies there waits for this
// worker alone, so it may be only as much as the worker does in no time, judged by the messages before, or a single
// one behind one of some milliseconds; what waits longer than was to be expected is taken back, and so is what a worker
// without anything to do can begin.
// As it knows how fast a worker is, it also says which answers the master looks for, and for which it stays awake.
// Pure: times are arguments.
// Used by tasks_ahead. Two more bounds: WorkerLink::takes_more(), and the places in a ScoreboardPage.
#pragma once

#include "base/clock.h"

#include <algorithm>
#include <cstddef>

namespace pythonfilter {

class AheadPolicy {
public:
    static constexpr Duration kMostWork = 1ms;     // of all tasks that it has been sent, where there are several
    static constexpr Duration kLongest = 20ms;     // that a task may take in the mean for another one to wait behind it
    static constexpr Duration kTakeBack = 5ms;     // the least patience(); so often it is looked who has lost it, and
                                                   // what was answered meanwhile without a word
    static constexpr Duration kMove = 200us;       // a message of less is done before another worker has begun it
    static constexpr Duration kSoon = 100us;       // an answer that comes within it; so long the master stays awake
    static constexpr Duration kExpected = 2ms;     // one that comes within it is looked for before each wait: where
                                                   // many workers share the processors, also fast ones answer that late
    static constexpr std::size_t kTogether = 4;    // of so fast a worker, before another one is woken up
    static constexpr std::size_t kMostTasks = 16;  // with the one that runs; at most ScoreboardPage::kPlaces

    /// The worker took so long for one task. Of several that are told of together, the first one has all of the time.
    void served(Duration time);
    /// It has said that it will not go on with what it was sent: not soon again.
    void paused() { mean_ = kFirst; }
    /// One more task for a worker that has been sent `sent`, at least one, and has not answered them.
    bool takes(std::size_t sent) const;
    /// When the task that runs has taken so long, those behind it go elsewhere.
    Duration patience() const { return answers_in_time() ? std::max(kTakeBack, 2 * mean_) : kTakeBack; }
    /// What it has not begun is better off with a worker that has nothing to do.
    bool gives_away() const { return mean_ >= kMove; }
    /// One more for a worker that has `sent`, although another one has nothing to do: that would first have to wake up.
    bool keeps_together(std::size_t sent) const { return answers_soon() && sent < kTogether; }
    /// Falling asleep and being woken up again would take a good part of the time until it answers.
    bool answers_soon() const { return mean_ <= kSoon; }
    /// Its answer is looked for before each wait.
    bool answer_is_expected() const { return mean_ <= kExpected; }

private:
    bool answers_in_time() const { return mean_ <= kLongest; }

    static constexpr Duration kFirst = 2 * kLongest;  // nothing is known: some fast messages must come before
    static constexpr int kWeight = 8;                 // of the past, in messages

    Duration mean_ = kFirst;
};

}  // namespace pythonfilter
