#include "worker/tidy_up.h"

#include "message/frames.h"
#include "worker/process_properties.h"
#include "worker/python_properties.h"

#include <algorithm>
#include <sys/resource.h>

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

void append(std::vector<Property>& properties, std::vector<Property> more) {
    for (Property& property : more) properties.push_back(std::move(property));
}

}  // namespace

void TidyUp::set_baseline() {
    properties_ = standard_.properties();
    append(properties_, process_properties());
    append(properties_, python_properties());
    wanted_ = read_all(properties_);
    children_.set_baseline();
    temporary_files_.set_baseline();
    descriptors_.begin(lowest_free_descriptor(), open_files_limit());
    threads_.begin(count_threads(), kMaxThreads);
    processes_.begin(0, kMaxProcesses);
}

void TidyUp::filter_ran(const std::string& filter, Duration wall) {
    if (std::find(ran_.begin(), ran_.end(), &filter) == ran_.end()) ran_.push_back(&filter);
    look(filter, policy_.filter_ran(wall));
    measure(filter);
}

// What one thing was done to, others may have been as well: any finding makes it a full look.
void TidyUp::look(const std::string& filter, bool full) {
    auto differences = find_differences(properties_, wanted_, full);
    if (!full && differences.empty()) return;
    if (!full) differences = find_differences(properties_, wanted_, true);
    bool unclear = false;
    for (const Difference& difference : differences) {
        const bool is_clear = properties_[difference.property].cheap || ran_.size() == 1;
        undo(difference, is_clear ? "filter " + filter : suspects());
        unclear = unclear || !is_clear;
    }
    policy_.looked(unclear);
    ran_.clear();
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

std::string TidyUp::suspects() const {
    std::string names;
    for (const std::string* name : ran_) names += (names.empty() ? "one of the filters " : ", ") + *name;
    return names;
}

void TidyUp::tell(std::size_t kind, const std::string& who, const std::string& text) {
    auto& told = told_[{kind, who}];
    const std::size_t most = kind == kTemporaryFiles ? 1 : kMaxTold;  // their names are random
    if (notes_.size() < kMaxNotes && told.size() < most && told.insert(text).second) notes_.push_back(who + text);
}

void TidyUp::measure(const std::string& filter) {
    descriptors_.note(lowest_free_descriptor(), filter);
    threads_.note(count_threads(), filter);
    processes_.note(children_.count(), filter);
    const std::size_t files = temporary_files_.look();
    if (files > temporary_count_) temporary_filter_ = filter;
    temporary_count_ = files;
}

void TidyUp::message_ended() {
    check(descriptors_, "open descriptors");
    check(threads_, "threads");
    check(processes_, "processes running");
    if (!temporary_files_.ensure()) retire_ = "the worker's TMPDIR is gone and cannot be made again";
    // One that still runs may have been given a file there.
    if (temporary_count_ == 0 || children_.count() > 0) return;
    tell(kTemporaryFiles, "filter " + temporary_filter_,
         " left " + temporary_files_.example() +
             (temporary_count_ == 1 ? "" : " and " + std::to_string(temporary_count_ - 1) + " more") +
             " in its TMPDIR, which was emptied");
    temporary_files_.remove();
    temporary_count_ = 0;
}

void TidyUp::check(const Growth& growth, const char* what) {
    if (!growth.leaks() || !retire_.empty()) return;
    retire_ = "filters leave more and more " + std::string(what) + " (" + std::to_string(growth.growth()) +
              " more than at the start), filter " + growth.culprit() + " most";
}

}  // namespace pythonfilter
