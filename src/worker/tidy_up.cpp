#include "worker/tidy_up.h"

#include "message/frames.h"
#include "worker/changing_calls.h"
#include "worker/interpreter.h"
#include "worker/process_properties.h"
#include "worker/python_properties.h"
#include "worker/signal_properties.h"

#include <algorithm>
#include <sys/resource.h>
#include <unistd.h>

namespace pythonfilter {
namespace {

constexpr std::size_t kTemporaryFiles = 1000;  // a kind of its own, beside the places in the table of properties
constexpr long kMaxThreads = 1000;
constexpr long kMaxProcesses = 134;            // three quarters of it, 100, are too many
constexpr std::size_t kMaxTold = 10;           // of one kind and filter in the life of a worker

long open_files_limit() {
    rlimit limit{};
    return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? static_cast<long>(std::min<rlim_t>(limit.rlim_cur, 1 << 20)) : 1024;
}

// Of a daemon of an earlier message perhaps: it comes to this worker when its parent ends, which had made the session.
bool is_daemons_child(pid_t child) {
    const pid_t session = getsid(child);
    return session != child && session != getsid(0);
}

void append(std::vector<Property>& properties, std::vector<Property> more) {
    for (Property& property : more) properties.push_back(std::move(property));
}

}  // namespace

void TidyUp::set_baseline() {
    properties_ = standard_.properties();
    append(properties_, signal_properties());
    append(properties_, process_properties());
    guard_.begin();
    append(properties_, python_properties(guard_));
    wanted_ = read_all(properties_);
    take_changing_calls();
    children_.set_baseline();
    temporary_files_.set_baseline();
    lowest_ = lowest_free_descriptor();
    descriptors_.begin(lowest_, open_files_limit());
    threads_.begin(count_threads(), kMaxThreads);
    processes_.begin(0, kMaxProcesses);
    wanted_address_space_ = wanted_address_space();
}

void TidyUp::message_began(Duration pause) {
    policy_.message_began(pause);
    may_have_called_ = false;
    ++messages_;
}

void TidyUp::filter_ran(const std::string& filter, Duration wall, bool brief) {
    for (Suspects& suspects : since_) suspects.add(filter);
    slow_ = slow_ || (slow_after_ != Duration(0) && wall >= slow_after_);
    if (policy_.filter_ran(wall, brief)) look(Look::full);
}

// What one thing was done to, others may have been as well: any finding makes it a full look.
void TidyUp::look(Look depth) {
    if (take_changing_calls()) depth = std::max(depth, Look::called);
    const bool full = depth == Look::full;
    if (full || (depth >= Look::quick && !is_still_free(lowest_ + held_))) lowest_ = lowest_free_descriptor() - held_;
    const auto differences = find_differences(properties_, wanted_, depth);
    if (!full && (lowest_ + held_ <= STDERR_FILENO || !differences.empty())) return look(Look::full);
    may_have_called_ = may_have_called_ || full;  // what differs is put back by a full one only
    bool unclear = false;
    for (const Difference& difference : differences) {
        const Property& property = properties_[difference.property];
        if (slow_ && property.raised_when_slow) continue;
        const Suspects& suspects = since(property.look);
        undo(difference, suspects.text());
        unclear = unclear || !suspects.clear();
    }
    if (depth >= Look::quick) unclear = measure(full, policy_.asked()) || unclear;
    if (full) {
        unclear = measure_threads() || unclear;
        policy_.looked();
        collect_youngest();
    }
    std::for_each(since_.begin(), &since(depth) + 1, [](Suspects& suspects) { suspects.forget(); });
    if (unclear) policy_.watch();
}

void TidyUp::undo(const Difference& difference, const std::string& who) {
    const Property& property = properties_[difference.property];
    std::string& wanted = wanted_[difference.property];
    const std::string what = " changed " + describe(property, wanted, difference.value);
    if (property.restore(wanted)) {
        wanted = property.read();  // the environment may come back in another order
        tell(difference.property, who, what + ", which was put back");
        return;
    }
    wanted = difference.value;  // as good as it gets
    retire_ = who + what + ", which cannot be put back";
}

void TidyUp::tell(std::size_t kind, const std::string& who, const std::string& text) {
    auto& told = told_[{kind, who}];
    const std::size_t most = kind == kTemporaryFiles ? 1 : kMaxTold;  // their names are random
    if (notes_.size() < kMaxNotes && told.size() < most && told.insert(text).second) notes_.push_back(who + text);
}

// True when something grew and it is not clear by whom.
bool TidyUp::measure(bool full, int messages) {
    const Suspects& suspects = since(Look::quick);
    children_now_ = children_.list();
    const auto processes = static_cast<long>(children_now_.size());
    const bool more = descriptors_.note(lowest_, messages, suspects) | processes_.note(processes, messages, suspects);
    temporary_files_.look(full);
    if (temporary_files_.count() > temporary_count_) temporary_filter_ = suspects.text();
    temporary_count_ = temporary_files_.count();
    return more && !suspects.clear();
}

bool TidyUp::measure_threads() {
    const Suspects& suspects = since(Look::full);
    const bool more = threads_.note(count_threads(), std::max(1, std::exchange(messages_, 0)), suspects);
    return more && !suspects.clear();
}

void TidyUp::message_ended() {
    if (!since(Look::memory).empty()) look(policy_.asks() || !children_now_.empty() ? Look::quick : Look::memory);
    check(descriptors_, "open descriptors");
    check(threads_, "threads");
    check(processes_, "processes running");
    if (wanted_address_space_ > 0 && retire_.empty() && !has_address_space(wanted_address_space_))
        retire_ = "filters have left less than an eighth of its memory (limits.memory) for the next message";
    if (temporary_files_.gone() && !temporary_files_.make_again())
        retire_ = "the worker's TMPDIR is gone and cannot be made again";
    tidy_temporary_files();
}

// A process that the message leaves running may have been given a file there: those of that message stay until no such
// process runs.
void TidyUp::tidy_temporary_files() {
    const bool has_new_child = std::any_of(children_now_.begin(), children_now_.end(), [this](const pid_t child) {
        return !children_then_.contains(child) && !is_daemons_child(child);
    });
    children_then_ = children_now_;
    if (has_new_child) temporary_files_.keep();
    if (children_now_.empty()) temporary_files_.release();
    temporary_count_ = temporary_files_.count();
    if (temporary_count_ == 0) return;
    const std::string others = " and " + std::to_string(temporary_count_ - 1) + " more";
    tell(kTemporaryFiles, temporary_filter_,
         " left " + temporary_files_.example() + (temporary_count_ == 1 ? "" : others) +
             " in its TMPDIR, which was emptied");
    temporary_files_.remove();
    temporary_count_ = 0;
}

void TidyUp::check(const Growth& growth, const char* what) {
    if (!growth.leaks() || !retire_.empty()) return;
    retire_ = "filters leave more and more " + std::string(what) + " (" + std::to_string(growth.growth()) +
              " more than at the start), most of them: " + growth.culprit();
}

}  // namespace pythonfilter
