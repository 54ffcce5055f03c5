// MasterLink: the worker's end of the way to the master and back (the other one is master/worker_link.h): frames in the
// two rings of the scoreboard, and two pipes by which each end wakes the other when that waits. Of several fast
// messages in a row the last one wakes the master: it answers all at once, and their senders ask for the next ones
// together. Should one of them take long after all, the master's timer for tasks ahead (master/pool_ahead) finds the
// answers before it. Waiting gives Python's other threads the interpreter and lets Python-level signal handlers run.
// Used by the worker loop only.
#pragma once

#include "base/unique_fd.h"
#include "message/frame_ring.h"
#include "message/frames.h"

#include <string>
#include <sys/types.h>

namespace pythonfilter {

class MasterLink {
public:
    MasterLink(FrameRing& tasks, FrameRing& verdicts, UniqueFd task, UniqueFd verdict);

    enum class Read { frame, timeout, closed, bad };
    /// Waits for the next frame, at most `timeout_ms` (-1: as long as it takes). The payload is valid until the next
    /// call. `bad` also when a filter has closed the pipe to the master.
    Read read(FrameStream::Frame& frame, int timeout_ms);

    /// A master that has asked for it is woken now, or when there is nothing more to read.
    enum class Wake { now, behind_all };
    /// Only in the worker's own process (forked_child.h). False when nobody reads any more, or when the master must be
    /// woken and a filter has closed the pipe (its number may be that of another file), or has written into the ring
    /// itself.
    bool write(const std::string& frame, Wake when);
    /// No filter has closed the pipe by which the master is woken.
    bool verdict_is_ours() const;

    int task_fd() const { return task_.get(); }
    int verdict_fd() const { return verdict_.get(); }

private:
    enum class Wait { rang, timeout, closed };
    bool take();
    Wait wait(int timeout_ms);
    bool wake() { return verdict_is_ours() && ring(); }
    bool ring();

    FrameRingReader tasks_;
    FrameRingWriter verdicts_;
    UniqueFd task_;
    UniqueFd verdict_;
    ino_t verdict_inode_ = 0;
    FrameStream stream_;
    bool owes_ = false;  // the master has asked to be woken, and there is something for it
};

}  // namespace pythonfilter
