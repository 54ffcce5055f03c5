#include "base/log_sink.h"

#include "base/clock.h"

#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <fcntl.h>
#include <mutex>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace pythonfilter {
namespace {

constexpr std::size_t kBufferLimit = 1024 * 1024;
constexpr std::size_t kOutputLimit = kBufferLimit / 2;  // a flood of a filter leaves room for what we say of it
constexpr std::size_t kAtomicWrite = 4096;  // PIPE_BUF: such a write is never torn apart or taken in part

// The longest prefix of whole lines that one atomic write can take.
std::size_t atomic_prefix(std::string_view bytes) {
    if (bytes.size() <= kAtomicWrite) return bytes.size();
    return bytes.rfind('\n', kAtomicWrite - 1) + 1;
}

}  // namespace

// The writing thread: owns nothing but its queue. It is joined only when the queue is empty; otherwise the process
// ends with it blocked in write(), which is the reason why it exists.
struct LogSink::Thread {
    struct Queue {
        std::mutex mutex;
        std::condition_variable changed;
        std::string bytes;
        bool writing = false;
    };
    std::shared_ptr<Queue> queue = std::make_shared<Queue>();

    explicit Thread(int fd) {
        sigset_t all;
        sigset_t before;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        std::thread([queue = queue, fd] { run(*queue, fd); }).detach();
        pthread_sigmask(SIG_SETMASK, &before, nullptr);
    }

    static void run(Queue& queue, int fd) {
        std::unique_lock lock(queue.mutex);
        for (;;) {
            queue.changed.wait(lock, [&] { return !queue.bytes.empty(); });
            const std::string bytes = queue.bytes.substr(0, atomic_prefix(queue.bytes));
            queue.bytes.erase(0, bytes.size());
            queue.writing = true;
            lock.unlock();
            [[maybe_unused]] const auto written = ::write(fd, bytes.data(), bytes.size());
            lock.lock();
            queue.writing = false;
            queue.changed.notify_all();
        }
    }

    // Takes what fits into its queue.
    std::size_t take(std::string_view bytes) {
        const std::lock_guard lock(queue->mutex);
        if (queue->bytes.size() + bytes.size() > kBufferLimit) return 0;
        queue->bytes += bytes;
        queue->changed.notify_all();
        return bytes.size();
    }

    void wait_until_written(int milliseconds) {
        std::unique_lock lock(queue->mutex);
        queue->changed.wait_for(lock, std::chrono::milliseconds(milliseconds),
                                [&] { return queue->bytes.empty() && !queue->writing; });
    }
};

LogSink::LogSink(int fd) : fd_(fd) {
    struct stat info{};
    fstat(fd, &info);
    is_socket_ = S_ISSOCK(info.st_mode);
    if (is_socket_) return;
    const std::string path = "/proc/self/fd/" + std::to_string(fd);
    // O_APPEND: a regular file may have other writers; on a pipe or terminal it changes nothing.
    own_.reset(open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY | O_APPEND));
    if (own_) {
        fd_ = own_.get();
    } else {
        thread_ = std::make_unique<Thread>(fd);
    }
}

LogSink::~LogSink() = default;

void LogSink::set_format(LogFormat format) {
    format_ = format;
    if (!journal_ && format == LogFormat::plain) journal_ = Journal::behind(fd_);
}

void LogSink::add(LogLevel level, std::string_view text, const LogFields& fields) {
    if (format_ != LogFormat::plain)
        buffer_ += format_line(format_, level, text, fields, std::chrono::system_clock::now());
    else if (journal_)
        journal_->add(format_journal(level, text, fields, program_invocation_short_name));
    else append_line(buffer_, level, text);
}

void LogSink::line(LogLevel level, std::string_view text, const LogFields& fields) {
    if (waiting() > (level == LogLevel::output ? kOutputLimit : kBufferLimit)) {
        ++dropped_;
        return;
    }
    if (dropped_ > reported_) {
        add(LogLevel::warning,
            std::to_string(dropped_ - reported_) + " log lines dropped: the log did not take them", {});
        reported_ = dropped_;
    }
    add(level, text, fields);
}

std::ptrdiff_t LogSink::write_some(std::string_view bytes) {
    if (thread_) return static_cast<std::ptrdiff_t>(thread_->take(bytes));
    if (is_socket_) return send(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    return ::write(fd_, bytes.data(), bytes.size());
}

bool LogSink::flush() {
    const bool stream_done = flush_stream();
    return (!journal_ || journal_->flush()) && stream_done;
}

bool LogSink::flush_stream() {
    std::size_t done = 0;
    while (done < buffer_.size()) {
        const std::string_view rest = std::string_view(buffer_).substr(done);
        const auto written = write_some(rest.substr(0, atomic_prefix(rest)));
        if (written < 0 && errno == EINTR) continue;
        if (written < 0 && errno != EAGAIN && errno != EWOULDBLOCK) {
            done = buffer_.size();  // nobody will ever read it: a broken log must not stop mail
            break;
        }
        if (written <= 0) break;
        done += static_cast<std::size_t>(written);
    }
    buffer_.erase(0, done);
    return buffer_.empty();
}

void LogSink::flush_for(int milliseconds) {
    const TimePoint end = Clock::now() + std::chrono::milliseconds(milliseconds);
    while (!flush() && Clock::now() < end) {
        pollfd wait{poll_fd(), POLLOUT, 0};
        poll(&wait, 1, 20);
    }
    if (thread_) thread_->wait_until_written(milliseconds);
}

int LogSink::poll_fd() const {
    if (journal_ && journal_->bytes() > 0) return journal_->fd();
    return thread_ ? -1 : fd_;
}

}  // namespace pythonfilter
