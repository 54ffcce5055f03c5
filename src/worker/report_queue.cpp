#include "worker/report_queue.h"

#include "base/packet.h"

#include <cerrno>
#include <fcntl.h>
#include <poll.h>

namespace pythonfilter {

void ReportQueue::send(const ZygoteReport& report, int fd) {
    UniqueFd own(fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1);
    waiting_.push_back({encode(report), std::move(own)});
    flush();  // a master that has gone is noticed by the loop
}

bool ReportQueue::flush() {
    while (!waiting_.empty()) {
        const Item& item = waiting_.front();
        const Status sent =
            send_packet(socket_, item.bytes, item.fd ? std::vector<int>{item.fd.get()} : std::vector<int>{});
        if (!sent) return errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS;
        waiting_.pop_front();
    }
    return true;
}

void ReportQueue::flush_for(int milliseconds) {
    while (flush() && waiting()) {
        pollfd entry{socket_, POLLOUT, 0};
        if (poll(&entry, 1, milliseconds) <= 0) return;
    }
}

}  // namespace pythonfilter
