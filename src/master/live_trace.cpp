#include "master/live_trace.h"

#include "base/process.h"
#include "base/process_tree.h"

#include <utility>

namespace pythonfilter {

// A signal without a handler would end the process: it may have become another program, or reset its handlers.
void LiveTrace::ask(int pidfd, pid_t pid, Callback callback) {
    if (!catches_signal(pid, trace_signal()))
        return callback({{}, "the signal is blocked, or its handler was replaced"});
    waiting_.push_back(std::move(callback));
    if (to_look_.active()) return;
    traces_ = scoreboard_.traces();
    ends_ = Clock::now() + kGrace;
    if (!signal_pidfd(pidfd, trace_signal())) return give_up("the worker is dead");
    to_look_.start(kLook);
}

void LiveTrace::look() {
    if (scoreboard_.traces() != traces_) take();
    else if (Clock::now() >= ends_) give_up("it did not react to the signal in time, it may be busy in C code");
    else to_look_.start(kLook);
}

void LiveTrace::take() {
    std::string text = scoreboard_.trace();
    if (text.empty()) give_up("the worker wrote nothing");
    else answer({std::move(text), {}});
}

void LiveTrace::give_up(std::string_view why) {
    if (!waiting_.empty()) answer({{}, std::string(why)});
}

void LiveTrace::answer(const WorkerTrace& trace) {
    to_look_.stop();
    for (const Callback& callback : std::exchange(waiting_, {})) callback(trace);
}

}  // namespace pythonfilter
