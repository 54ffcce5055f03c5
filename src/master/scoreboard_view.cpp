#include "master/scoreboard_view.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <string_view>
#include <sys/mman.h>
#include <unistd.h>
#include <utility>

namespace pythonfilter {
namespace {

// A lie about the start time must not make the sum of it and a timeout overflow. 146 years.
constexpr std::uint64_t kLatestStart = std::uint64_t{1} << 62;

}  // namespace

Result<ScoreboardView> ScoreboardView::create() {
    UniqueFd fd(memfd_create("pythonfilter-scoreboard", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!fd || ftruncate(fd.get(), kScoreboardSize) != 0) return errno_error("scoreboard: memfd_create", errno);
    // Sealed: a worker that shrinks it would give the master SIGBUS.
    if (fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
        return errno_error("scoreboard: seal", errno);
    }
    void* memory = mmap(nullptr, kScoreboardSize, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
    if (memory == MAP_FAILED) return errno_error("scoreboard: mmap", errno);
    return ScoreboardView(std::move(fd), static_cast<char*>(memory));
}

ScoreboardView::ScoreboardView(ScoreboardView&& other) noexcept : fd_(std::move(other.fd_)), memory_(other.memory_) {
    other.memory_ = nullptr;
}

ScoreboardView::~ScoreboardView() {
    if (memory_ != nullptr) munmap(memory_, kScoreboardSize);
}

ScoreboardView::Running ScoreboardView::running() const {
    Running running;
    running.task_id = page().task_id.load(std::memory_order_acquire);
    running.filter = page().filter.load(std::memory_order_acquire);
    running.since = from_nanoseconds(std::min(page().filter_start.load(std::memory_order_acquire), kLatestStart));
    return running;
}

std::optional<Identity> ScoreboardView::began_with(std::uint64_t task_id) const {
    if (page().task_id.load(std::memory_order_acquire) != task_id) return std::nullopt;
    if (page().has_identity.load(std::memory_order_acquire) != 1) return std::nullopt;
    Identity identity;
    for (std::size_t i = 0; i < identity.digest.size(); ++i) {
        identity.digest[i] = page().identity[i].load(std::memory_order_relaxed);
    }
    return identity;
}

MessageFacts ScoreboardView::facts(std::uint64_t task_id) const {
    MessageFacts facts;
    if (page().task_id.load(std::memory_order_acquire) != task_id) return facts;
    facts.id = message_id();
    facts.size = page().size.load(std::memory_order_relaxed);
    char copy[sizeof ScoreboardPage::envelope];
    std::memcpy(copy, page().envelope, sizeof copy);
    std::string_view left(copy,
                          std::min<std::size_t>(page().envelope_used.load(std::memory_order_relaxed), sizeof copy));
    bool is_sender = true;
    for (std::size_t end; (end = left.find('\0')) != std::string_view::npos; left.remove_prefix(end + 1)) {
        if (std::exchange(is_sender, false)) facts.sender = left.substr(0, end);
        else if (facts.recipients.size() < kMaxLoggedRecipients) facts.recipients.emplace_back(left.substr(0, end));
    }
    const auto named = static_cast<std::uint32_t>(facts.recipients.size());
    facts.recipient_count = std::max(page().recipient_count.load(std::memory_order_relaxed), named);
    return facts;
}

std::string ScoreboardView::message_id() const {
    char copy[sizeof ScoreboardPage::message_id];
    std::memcpy(copy, page().message_id, sizeof copy);
    copy[sizeof copy - 1] = '\0';
    return copy;
}

std::string ScoreboardView::traceback() const {
    const char* text = memory_ + kTracebackOffset;
    return {text, strnlen(text, kScoreboardSize - kTracebackOffset)};
}

std::uint32_t ScoreboardView::traces() const { return page().traces.load(std::memory_order_acquire); }

std::string ScoreboardView::trace() const {
    const char* text = memory_ + kTraceOffset;
    return {text, strnlen(text, kTraceRoom)};
}

bool ScoreboardView::children_left() const { return page().children.load(std::memory_order_relaxed) != 0; }

}  // namespace pythonfilter
