// Growth: whether what filters hold (descriptors, threads, processes) grows from message to message, and whose
// it is. What is opened once and kept, a connection or a pool of threads, is how many filters work and no leak: only
// growth that goes on counts, or one that leaves too little room. Pure. Used by TidyUp.
#pragma once

#include "worker/suspects.h"

#include <map>
#include <string>

namespace pythonfilter {

class Growth {
public:
    /// How many there are when the worker is ready, and how many there can be.
    void begin(long count, long limit);
    /// How many there are now, `messages` after the last time; `suspects` ran in between. True when it grew.
    bool note(long count, int messages, const Suspects& suspects);

    /// It grew in many steps, or has used up most of the room: time to start anew.
    bool leaks() const;
    long now() const { return high_; }
    long growth() const { return high_ - begin_; }
    /// Who has the largest part in it. A part that is known to be one filter's counts twice: who leaks has mostly some
    /// of what several may have left as well.
    const std::string& culprit() const;

private:
    static constexpr long kAllowed = 64;  // a full pool of threads has 32 on a large machine
    static constexpr int kSteps = 10;

    long begin_ = 0;
    long high_ = 0;   // the most there were, >= begin_
    long limit_ = 0;
    long steps_ = 0;  // how often it rose
    struct Part {
        bool is_clear = false;
        long count = 0;
    };
    static long weight(const Part& part) { return part.is_clear ? 2 * part.count : part.count; }

    std::map<std::string, Part> parts_;  // sum = growth()
};

}  // namespace pythonfilter
