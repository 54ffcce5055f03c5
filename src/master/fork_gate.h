// ForkGate: the place where a worker and all below it wait for a word before each fork, vfork and clone. The kernel
// stops the caller and tells the master, by the listener of a seccomp filter that the worker has set up before any
// filter of ours ran in it. Mechanism only: who may go on is decided by a callback. Owned by worker_watch.
//
// A worker that sends no listener (no sandbox, or a kernel without) has no gate. Must never block: nobody else reads
// from the listener, so what poll() announces is there, or has died and is skipped.
#pragma once

#include "base/unique_fd.h"
#include "master/loop.h"
#include "master/watch_policy.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

namespace pythonfilter {

class ForkGate {
public:
    /// When the one who asks goes on, perhaps at once. Nothing: never, it waits until it is killed, which is the
    /// callee's business.
    using Turn = std::function<std::optional<TimePoint>(Creation)>;

    /// `socket` (non-blocking) brings the listener.
    ForkGate(Loop& loop, UniqueFd socket, Turn turn);

    void open();
    /// Nobody gets an answer any more: who asks waits until it is killed. When this is destroyed, the calls of those
    /// that are still there fail with ENOSYS.
    void freeze();

private:
    void receive_listener();
    void answer();
    bool take_one();
    void let_go(std::uint64_t id);

    Loop& loop_;
    UniqueFd socket_;    // until the listener is here
    UniqueFd listener_;  // of the kernel
    Turn turn_;
    std::unique_ptr<IoWatch> watch_;  // of the one that is open
    std::uint64_t first_ = 0;         // who goes on next, while to_go_ runs; all others wait behind it
    Timer to_go_;
};

}  // namespace pythonfilter
