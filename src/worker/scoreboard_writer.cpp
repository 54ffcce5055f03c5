#include "worker/scoreboard_writer.h"

#include <algorithm>
#include <cstring>
#include <fcntl.h>
#include <string>
#include <sys/mman.h>
#include <unistd.h>

namespace pythonfilter {

std::optional<ScoreboardWriter> ScoreboardWriter::map(int memfd) {
    void* page = mmap(nullptr, kScoreboardMapped, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
    if (page == MAP_FAILED) return std::nullopt;
    ScoreboardWriter writer(static_cast<ScoreboardPage*>(page));
    writer.page_->filter.store(ScoreboardPage::kNoFilter);
    return writer;
}

void ScoreboardWriter::begin_task(std::uint64_t id, const MessageFacts& facts, const Identity& identity) {
    page_->has_identity.store(0);
    page_->filter.store(ScoreboardPage::kNoFilter);
    write_facts(facts);
    for (std::size_t i = 0; i < identity.digest.size(); ++i) page_->identity[i].store(identity.digest[i]);
    page_->task_id.store(id);
    page_->has_identity.store(1);
}

void ScoreboardWriter::write_facts(const MessageFacts& facts) {
    const std::size_t length = std::min(facts.id.size(), sizeof page_->message_id - 1);
    std::memcpy(page_->message_id, facts.id.data(), length);
    std::memset(page_->message_id + length, 0, sizeof page_->message_id - length);
    page_->size.store(facts.size);
    page_->recipient_count.store(facts.recipient_count);
    std::size_t used = 0;
    // An address that does not fit ends the list: a cut one would be somebody else's.
    const auto add = [&](const std::string& address) {
        if (address.size() >= sizeof page_->envelope - used) return false;
        std::memcpy(page_->envelope + used, address.c_str(), address.size() + 1);
        used += address.size() + 1;
        return true;
    };
    if (add(facts.sender)) {
        for (const std::string& recipient : facts.recipients) {
            if (!add(recipient)) break;
        }
    }
    page_->envelope_used.store(static_cast<std::uint32_t>(used));
}

void ScoreboardWriter::begin_filter(std::uint32_t filter, TimePoint now) {
    page_->filter_start.store(to_nanoseconds(now));
    page_->filter.store(filter);
}

void ScoreboardWriter::end_filters() { page_->filter.store(ScoreboardPage::kNoFilter); }

// Message and filter stay named: the master may still have to read what they printed.
void ScoreboardWriter::end_task() {
    page_->has_identity.store(0);
    page_->task_id.store(0);
    page_->served.fetch_add(1);
}

UniqueFd open_scoreboard(int memfd, std::size_t offset) {
    const std::string path = "/proc/self/fd/" + std::to_string(memfd);
    UniqueFd fd(open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (fd && lseek(fd.get(), static_cast<off_t>(offset), SEEK_SET) < 0) fd.reset();
    return fd;
}

}  // namespace pythonfilter
