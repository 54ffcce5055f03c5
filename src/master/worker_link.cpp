#include "master/worker_link.h"

#include <cerrno>
#include <unistd.h>
#include <utility>

namespace pythonfilter {

WorkerLink::WorkerLink(Loop& loop, FrameRing& tasks, FrameRing& verdicts, UniqueFd task_pipe, UniqueFd verdict_pipe,
                       Callbacks callbacks)
    : tasks_(tasks),
      verdicts_(verdicts),
      task_pipe_(std::move(task_pipe)),
      verdict_pipe_(std::move(verdict_pipe)),
      callbacks_(std::move(callbacks)),
      memory_(loop, {[this] { look_again(); }, [this] { wake(); },
                     [this] { return will_wait(); }, [this] { verdicts_.will_not_wait(); }}),
      loop_(loop) {
    verdicts_.will_wait();
}

void WorkerLink::hear() {
    bell_ = std::make_unique<IoWatch>(loop_, verdict_pipe_.get(), EV_READ, [this] { rang(); });
}

void WorkerLink::stop_hearing() {
    bell_.reset();
    memory_.stop();
}

void WorkerLink::expect(bool soon) {
    expects_ = soon;
    if (!soon) return wake();  // its watch may stop, and then does not say what is owed
    if (!hears()) return;
    memory_.start();
    verdicts_.will_not_wait();  // it did while there was nothing to expect; the watch says when the loop sleeps
}

// What is in the pipe says nothing more; a worker rings once each time that it is asked to.
void WorkerLink::rang() {
    char bytes[64];
    const ssize_t n = read(verdict_pipe_.get(), bytes, sizeof bytes);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    look();
    if (!hears()) return;
    if (n == sizeof bytes) return hear_nonsense();  // a filter would keep the master busy
    if (n > 0) return memory_.start();  // until it is known that the worker knows that it must ring again
    stop_hearing();
    callbacks_.on_end();
}

// Before each wait. Without anything to expect it goes on until will_wait() has been called for an empty ring.
void WorkerLink::look_again() {
    look();
    if (expects_ || !hears()) return;
    if (!will_wait()) memory_.stop();
}

// True when there is something to do now.
bool WorkerLink::will_wait() {
    verdicts_.will_wait();
    return !verdicts_.empty() || can_send();
}

void WorkerLink::look() {
    if (!unsent_.empty()) flush();
    if (!hears() || verdicts_.empty()) return;
    if (!verdicts_.take([this](std::string_view bytes) { stream_.append(bytes); })) return hear_nonsense();
    if (verdicts_.must_wake()) ring();
    take();
}

void WorkerLink::take() {
    FrameStream::Frame frame;
    for (;;) {
        const auto next = stream_.next(frame);
        if (next == FrameStream::Next::incomplete) return;
        if (next != FrameStream::Next::frame || !callbacks_.on_frame(frame)) return hear_nonsense();
        if (!hears()) return;
    }
}

void WorkerLink::hear_nonsense() {
    stop_hearing();
    callbacks_.on_nonsense();
}

bool WorkerLink::has_more() {
    FrameStream::Frame frame;
    return stream_.next(frame) != FrameStream::Next::incomplete;
}

void WorkerLink::flush() {
    if (!task_pipe_) return;
    if (!tasks_.is_sound()) {
        unsent_.clear();
        return callbacks_.on_lost_tasks();
    }
    unsent_.erase(0, tasks_.put(unsent_));
    owes_ = tasks_.must_wake() || owes_;
    if (owes_ && !expects_) wake();
    if (unsent_.empty()) return;
    tasks_.will_wait();
    if (can_send()) memory_.start();  // looks once more
}

bool WorkerLink::can_send() const { return !unsent_.empty() && tasks_.has_room(); }

void WorkerLink::wake() {
    if (std::exchange(owes_, false)) ring();
}

// EPIPE: its death is on the way, or a deadline will tell. EAGAIN: there is enough in the pipe to wake it.
void WorkerLink::ring() {
    while (task_pipe_ && write(task_pipe_.get(), "", 1) < 0 && errno == EINTR) {
    }
}

void WorkerLink::close() { task_pipe_.reset(); }

}  // namespace pythonfilter
