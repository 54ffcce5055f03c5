#include "worker/master_link.h"

#include "worker/forked_child.h"
#include "worker/interpreter.h"
#include "worker/python_object.h"

#include <cerrno>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace pythonfilter {
namespace {

// Without the interpreter's lock: the call, and poll() before it where there is a time limit or the pipe does not block
// (a filter may have changed that). -1 with errno; -2 when the time was over.
template <class Call>
ssize_t wait_and(int fd, short events, int timeout_ms, Call call) {
    ssize_t result = -2;
    int saved = 0;
    {
        pybind11::gil_scoped_release release;
        pollfd entry{fd, events, 0};
        int ready = timeout_ms < 0 ? 1 : poll(&entry, 1, timeout_ms);
        if (ready > 0) result = call();
        while (result == -1 && errno == EAGAIN && (ready = poll(&entry, 1, timeout_ms)) > 0) result = call();
        if (ready < 0) result = -1;
        if (ready == 0) result = -2;
        saved = errno;
    }
    errno = saved;
    return result;
}

}  // namespace

MasterLink::MasterLink(FrameRing& tasks, FrameRing& verdicts, UniqueFd task, UniqueFd verdict)
    : tasks_(tasks), verdicts_(verdicts), task_(std::move(task)), verdict_(std::move(verdict)) {
    struct stat info{};
    if (fstat(verdict_.get(), &info) == 0) verdict_inode_ = info.st_ino;
}

bool MasterLink::verdict_is_ours() const {
    struct stat info{};
    return fstat(verdict_.get(), &info) == 0 && S_ISFIFO(info.st_mode) && info.st_ino == verdict_inode_;
}

// What comes through the pipe says nothing more than that.
MasterLink::Wait MasterLink::wait(int timeout_ms) {
    char bytes[64];
    for (;;) {
        const ssize_t n =
            wait_and(task_.get(), POLLIN, timeout_ms, [&] { return ::read(task_.get(), bytes, sizeof bytes); });
        if (n > 0) return Wait::rang;
        if (n == -2) return Wait::timeout;
        if (n == 0 || errno != EINTR) return Wait::closed;
        run_signal_handlers();
        leave_if_forked();
    }
}

// True when there was something.
bool MasterLink::take() {
    if (tasks_.empty()) return false;
    if (!tasks_.take([this](std::string_view bytes) { stream_.append(bytes); })) return false;
    if (tasks_.must_wake()) wake();
    return true;
}

MasterLink::Read MasterLink::read(FrameStream::Frame& frame, int timeout_ms) {
    for (;;) {
        switch (stream_.next(frame)) {
            case FrameStream::Next::frame: return Read::frame;
            case FrameStream::Next::bad: return Read::bad;
            case FrameStream::Next::incomplete: break;
        }
        if (take()) continue;
        if (std::exchange(owes_, false) && !wake()) return Read::bad;
        tasks_.will_wait();
        if (take()) {
            tasks_.will_not_wait();
            continue;
        }
        switch (wait(timeout_ms)) {
            case Wait::rang: break;
            case Wait::timeout: return Read::timeout;
            case Wait::closed: return Read::closed;
        }
    }
}

bool MasterLink::ring() {
    for (;;) {
        const ssize_t n = wait_and(verdict_.get(), POLLOUT, -1, [&] { return ::write(verdict_.get(), "", 1); });
        if (n > 0) return true;
        if (n < 0 && errno != EINTR) return false;
        run_signal_handlers();
        leave_if_forked();
    }
}

bool MasterLink::write(const std::string& frame, Wake when) {
    if (!verdicts_.is_sound()) return false;
    for (std::string_view rest = frame;;) {
        rest.remove_prefix(verdicts_.put(rest));
        owes_ = verdicts_.must_wake() || owes_;
        const bool reads_on = when == Wake::behind_all && !(stream_.empty() && tasks_.empty());
        if (rest.empty() && reads_on) return true;
        if (std::exchange(owes_, false) && !wake()) return false;
        if (rest.empty()) return true;
        verdicts_.will_wait();
        if (!verdicts_.has_room() && wait(-1) == Wait::closed) return false;
    }
}

}  // namespace pythonfilter
