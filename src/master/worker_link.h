// WorkerLink: the master's end of the way to one worker and back: frames in the two rings of its scoreboard, and two
// pipes by which each end wakes the other when that waits. While an answer is expected soon, it is looked for before
// each wait of the loop, so that a worker need wake only a master that sleeps. Then the worker, too, is woken only
// before such a wait, for all that it was sent meanwhile: at once it would take the master's processor, while there are
// more messages to accept, and would be asleep again before the next one. (One that takes a millisecond or two begins a
// little later for it, behind all that came in one round; measured with four pools: without that a fifth more CPU
// time, as each is woken for a single message.) What comes is cut into frames and handed up;
// that it may be hostile is the matter of frames.h and of the owner, worker_slot.
#pragma once

#include "base/unique_fd.h"
#include "master/loop.h"
#include "message/frame_ring.h"
#include "message/frames.h"

#include <functional>
#include <memory>
#include <string>

namespace pythonfilter {

class WorkerLink {
public:
    struct Callbacks {
        /// False: the frame makes no sense. May call stop_hearing().
        std::function<bool(const FrameStream::Frame&)> on_frame;
        /// A frame, or the state of its ring, makes no sense: nothing that it says from now on is heard.
        std::function<void()> on_nonsense;
        /// It has closed its end: nothing more is heard.
        std::function<void()> on_end;
        /// Somebody else wrote into the ring of tasks: what flush() was to send will not be sent.
        std::function<void()> on_lost_tasks;
    };

    /// The pipes' ends must not block. The rings live longer than this.
    WorkerLink(Loop& loop, FrameRing& tasks, FrameRing& verdicts, UniqueFd task_pipe, UniqueFd verdict_pipe,
               Callbacks callbacks);

    /// From now on it is heard.
    void hear();
    void stop_hearing();
    bool hears() const { return static_cast<bool>(bell_); }
    /// Its answer comes soon, and is looked for; or it wakes the loop for it. To look costs each wait a little.
    void expect(bool soon);
    /// Takes what is there now.
    void look();
    /// It has said more than was taken.
    bool has_more();

    /// Behind what waits to be sent. Sent by flush().
    void put(std::string_view frame) { unsent_ += frame; }
    void flush();
    /// Not much waits to be sent.
    bool takes_more() const { return unsent_.size() < FrameRing::kRoom / 2; }
    /// The worker has taken all that there is, and waits for more.
    bool worker_waits() const { return unsent_.empty() && tasks_.reader_waits(); }
    /// The worker sees that no more tasks come.
    void close();

private:
    void rang();
    void take();
    void hear_nonsense();
    void wake();
    void ring();
    void look_again();
    bool will_wait();
    bool can_send() const;

    FrameRingWriter tasks_;
    FrameRingReader verdicts_;
    UniqueFd task_pipe_, verdict_pipe_;
    Callbacks callbacks_;
    std::string unsent_;
    FrameStream stream_;
    std::unique_ptr<IoWatch> bell_;
    MemoryWatch memory_;
    Loop& loop_;
    bool expects_ = false;
    bool owes_ = false;
};

}  // namespace pythonfilter
