// Handover: does what HandoverPolicy says while one generation gives its exclusive pools up to the next: new messages
// wait at the entrance, the old pools end and are seen to have ended, the new ones start. On failure the old generation
// gets its pools back, and no message is lost: they waited. One object for one handover; the generations own it.
#pragma once

#include "master/generation.h"
#include "master/handover_policy.h"

#include <functional>
#include <string>
#include <vector>

namespace pythonfilter {

class Handover {
public:
    struct Callbacks {
        /// True when no process is left that a dead one left behind; kills what there is.
        std::function<bool()> no_orphans;
        /// The next generation is to serve.
        std::function<void()> take_over;
        /// It is given up, and the old one goes on, for these reasons. Its exclusive pools are to be started again.
        std::function<void(const std::vector<std::string>& reasons)> restore;
    };

    Handover(Loop& loop, Generation& old, Generation& next, ExclusivePools pools, Reporter report, Callbacks callbacks);
    /// Both generations are still there.
    ~Handover();
    Handover(const Handover&) = delete;
    Handover& operator=(const Handover&) = delete;

    /// Messages are held at the entrance from now on.
    void begin();
    /// The next generation's exclusive pools, which are all that it starts meanwhile, are ready or say why not.
    void next_settled(const std::vector<std::string>& problems);

private:
    void on(HandoverPolicy::Event event);
    void act(HandoverPolicy::Action action);
    void look();

    Generation& old_;
    Generation& next_;
    ExclusivePools pools_;
    Reporter report_;
    Callbacks callbacks_;
    HandoverPolicy policy_;
    std::vector<std::string> problems_;
    Timer to_look_;  // whether the old pools are gone, while that is waited for
    Timer to_late_;  // the limit of the step
};

}  // namespace pythonfilter
