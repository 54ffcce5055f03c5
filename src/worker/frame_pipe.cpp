#include "worker/frame_pipe.h"

#include "worker/forked_child.h"
#include "worker/interpreter.h"
#include "worker/python_object.h"

#include <cerrno>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

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

FramePipe::FramePipe(UniqueFd task, UniqueFd verdict) : task_(std::move(task)), verdict_(std::move(verdict)) {
    struct stat info{};
    if (fstat(verdict_.get(), &info) == 0) verdict_inode_ = info.st_ino;
}

bool FramePipe::verdict_is_ours() const {
    struct stat info{};
    return fstat(verdict_.get(), &info) == 0 && S_ISFIFO(info.st_mode) && info.st_ino == verdict_inode_;
}

FramePipe::Input FramePipe::read_some(int timeout_ms) {
    char bytes[16 * 1024];
    for (;;) {
        const ssize_t n =
            wait_and(task_.get(), POLLIN, timeout_ms, [&] { return ::read(task_.get(), bytes, sizeof bytes); });
        if (n > 0) stream_.append({bytes, static_cast<std::size_t>(n)});
        if (n > 0) return Input::bytes;
        if (n == -2) return Input::timeout;
        if (n == 0 || errno != EINTR) return Input::closed;
        run_signal_handlers();
        leave_if_forked();
    }
}

FramePipe::Read FramePipe::read(FrameStream::Frame& frame, int timeout_ms) {
    for (;;) {
        switch (stream_.next(frame)) {
            case FrameStream::Next::frame: return Read::frame;
            case FrameStream::Next::bad: return Read::bad;
            case FrameStream::Next::incomplete: break;
        }
        switch (read_some(timeout_ms)) {
            case Input::bytes: break;
            case Input::timeout: return Read::timeout;
            case Input::closed: return Read::closed;
        }
    }
}

bool FramePipe::write(const std::string& frame) {
    leave_if_another();
    if (!verdict_is_ours()) return false;
    for (std::size_t written = 0; written < frame.size();) {
        const ssize_t n = wait_and(verdict_.get(), POLLOUT, -1, [&] {
            return ::write(verdict_.get(), frame.data() + written, frame.size() - written);
        });
        if (n > 0) written += static_cast<std::size_t>(n);
        if (n >= 0) continue;
        if (errno != EINTR) return false;
        run_signal_handlers();
        leave_if_forked();
    }
    return true;
}

}  // namespace pythonfilter
