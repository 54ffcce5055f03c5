// HandoverPolicy: which step of a reload follows which event when exclusive pools are in it, which must not live twice:
// the old ones end before the new ones start, and no message is let in meanwhile. Pure: Handover does what it says, the
// generations tell it what happens.
#pragma once

#include "base/clock.h"
#include "config/config.h"

#include <set>
#include <string>

namespace pythonfilter {

/// Pools that must not live at the same time, by name: those of the old generation, which end first, and those of the
/// next one, which start then. Both are empty when nothing is in the way of anything.
struct ExclusivePools {
    std::set<std::string> old, next;
};

/// A pool is in the way when it is exclusive, or holds a filter that stands in an exclusive pool of the other
/// generation. All that are count as one: two filters may share what lives only once.
ExclusivePools exclusive_pools(const Config& old, const Config& next);

class HandoverPolicy {
public:
    static constexpr Duration kFinishLimit = 20s;  // for messages in work; those that are left have to try again
    static constexpr Duration kEndLimit = 5s;      // for the old pools to end by themselves
    static constexpr Duration kKillLimit = 5s;     // for their processes to be gone after that

    enum class Step {
        waiting,   // new messages wait at the entrance, those of the old generation go through its chain
        stopping,  // the old exclusive pools end
        killing,   // they did not, and are killed
        starting,  // those of the next generation start
        over,
    };
    enum class Event {
        quiet,   // the old generation has no message in work
        late,    // the step's limit is over
        gone,    // no process of a pool that was stopped is left
        ready,   // the next generation's exclusive pools are
        failed,  // they are not
    };
    enum class Action {
        none,
        stop_old,
        kill_old,
        start_next,
        take_over,  // the next generation serves, and messages are let in
        restore,    // the next generation is given up; the old one's exclusive pools start again as soon as nothing
                    // is in their way, and messages are let in
    };

    Action on(Event event);
    Step step() const { return step_; }
    /// From the beginning of the step to `late`; zero: the step ends by itself.
    Duration limit() const;

private:
    Action enter(Step step, Action action);

    Step step_ = Step::waiting;
};

const char* to_string(HandoverPolicy::Step step);

}  // namespace pythonfilter
