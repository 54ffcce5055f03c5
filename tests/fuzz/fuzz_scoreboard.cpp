// The scoreboard reader: a page in which a worker wrote any bytes is read within its bounds, shortens a deadline and
// never lengthens one, and gives log lines that are whole; the counts of a ring lead to no byte outside of it. Input:
// the page from its first byte on; what is missing is zero.
#include "base/log.h"
#include "demand.h"
#include "master/job_deadline.h"
#include "master/message_log.h"
#include "master/scoreboard_view.h"

#include <cstring>
#include <sys/mman.h>

using namespace pythonfilter;

namespace {

// The worker's side of one scoreboard, kept for all inputs.
struct Board {
    ScoreboardView view = std::move(ScoreboardView::create().value());
    char* memory = static_cast<char*>(
        mmap(nullptr, kScoreboardSize, PROT_READ | PROT_WRITE, MAP_SHARED, view.fd(), 0));

    std::size_t used = 0;  // what follows is zero

    void write(std::string_view bytes) {
        DEMAND(memory != MAP_FAILED);
        const std::size_t size = std::min(bytes.size(), kScoreboardSize);
        std::memcpy(memory, bytes.data(), size);
        if (used > size) std::memset(memory + size, 0, used - size);
        used = size;
    }
};

void check_line(std::string_view line) {
    DEMAND(line.size() < kMaxLogLine);
    for (const char c : line) DEMAND(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
}

void check_facts(const MessageFacts& facts) {
    DEMAND(facts.id.size() < sizeof ScoreboardPage::message_id && facts.recipients.size() <= kMaxLoggedRecipients);
    DEMAND(facts.recipient_count >= facts.recipients.size());
    std::size_t bytes = facts.sender.size();
    for (const std::string& recipient : facts.recipients) bytes += recipient.size() + 1;
    DEMAND(bytes <= sizeof ScoreboardPage::envelope);

    MessageRecord record;
    record.facts = facts;
    record.body_path = "/var/lib/courier/tmp/1/D1";
    record.reply = "451 4.3.0 Mail filter failed, please try again later\n";
    check_line(message_line(record, {}));
    for (const std::string& line : refusal_lines(record)) check_line(line);
    check_line(escape(facts.id));
}

void check_deadlines(const ScoreboardView::Running& running, std::uint64_t task_id) {
    Job job;
    job.task.id = task_id;
    job.task.filters = {0, 1, 7};
    job.timeouts = {10s, 20s, 5s};
    const TimePoint dispatched = TimePoint() + 60min;
    job.budget_end = dispatched + 60s;
    const std::optional<Progress> none;
    const JobRun run{job, dispatched, none, running};
    DEMAND(running_place(run) < job.task.filters.size());
    DEMAND(filter_deadline(run) >= dispatched && filter_deadline(run) <= dispatched + 35s);
    DEMAND(slow_time(run, 10s) >= dispatched && slow_time(run, 10s) <= dispatched + 30s);
    DEMAND(next_look(run, dispatched) >= dispatched && next_look(run, dispatched) <= job.budget_end);
}

// The other end's counts of a ring, whatever they are, lead to no byte outside of it.
void check_ring(std::uint64_t count) {
    static FrameRing ring;
    static const std::string text(2 * FrameRing::kRoom, 'x');
    const auto inside = [](std::string_view part) {
        return part.data() >= ring.bytes && part.data() + part.size() <= ring.bytes + FrameRing::kRoom;
    };
    ring.written = count;
    std::size_t taken = 0;
    const bool is_sound = FrameRingReader(ring).take([&](std::string_view part) {
        DEMAND(inside(part));
        taken += part.size();
    });
    DEMAND(is_sound ? taken == count && taken <= FrameRing::kRoom : taken == 0);

    ring.written = 0;
    ring.taken = count;
    FrameRingWriter writer(ring);
    DEMAND(writer.is_sound() == (0 - count <= FrameRing::kRoom));
    DEMAND(writer.put(text) <= FrameRing::kRoom && ring.written <= FrameRing::kRoom);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static Board board;
    board.write(as_text(data, size));
    const auto running = board.view.running();
    check_ring(running.task_id);
    check_ring(0 - running.task_id);
    check_deadlines(running, running.task_id);
    check_deadlines(running, running.task_id + 1);
    check_facts(board.view.facts(running.task_id));
    DEMAND(board.view.facts(running.task_id + 1).recipients.empty());
    DEMAND(!board.view.began_with(running.task_id + 1));
    board.view.began_with(running.task_id);
    DEMAND(board.view.message_id().size() < sizeof ScoreboardPage::message_id);
    DEMAND(board.view.trace().size() <= kTraceRoom);
    DEMAND(board.view.traceback().size() <= kScoreboardSize - kTracebackOffset);
    return 0;
}
