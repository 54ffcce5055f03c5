// TidyUp: what one message must not leave to the next. Looks at what filters can change, after each message and
// deeper after the filters that LookPolicy names; puts back what can be put back, and says which filter it was; asks
// for a new worker where that is not possible, or where something grows with each message. What init_filter has set up
// is how this worker works, and stays. Called by the task runner and the worker loop.
#pragma once

#include "base/clock.h"
#include "worker/footprint.h"
#include "worker/growth.h"
#include "worker/leftover_children.h"
#include "worker/look_policy.h"
#include "worker/package_guard.h"
#include "worker/standard_fds.h"
#include "worker/suspects.h"
#include "worker/temporary_files.h"

#include <array>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace pythonfilter {

class TidyUp {
public:
    /// `standard` and `guard` outlive it. A filter that runs for `slow_after` may find its worker's nice value raised
    /// by the server; 0: never. `temporary_directory` may be empty.
    TidyUp(const StandardFds& standard, PackageGuard& guard, Duration slow_after, std::string temporary_directory)
        : standard_(standard), guard_(guard), slow_after_(slow_after),
          temporary_files_(std::move(temporary_directory)) {}

    /// Things are now as every message shall find them.
    void set_baseline();

    /// The worker had nothing to do for `pause` before this message.
    void message_began(Duration pause);
    /// So many descriptors, those of the control files, are the worker's until the message ends.
    void files_held(std::size_t count) { held_ = static_cast<long>(count); }
    /// `filter` is the name, which outlives this object.
    void filter_ran(const std::string& filter, Duration wall, bool brief);
    void message_ended();
    /// The filters of this message took so little time that none has started a process (look_policy.h), and no code
    /// of theirs was called here.
    bool was_brief() const { return policy_.brief() && !may_have_called_; }

    /// For the log, since the last call.
    std::vector<std::string> take_notes() { return std::exchange(notes_, {}); }
    /// Why this worker should serve no further message; empty while it may.
    const std::string& retire() const { return retire_; }

    LeftoverChildren& children() { return children_; }
    /// Processes of filters were there at the last look.
    bool left_children() const { return !children_now_.empty(); }

private:
    void look(Look depth);
    Suspects& since(Look look) { return since_[static_cast<std::size_t>(look)]; }
    void undo(const Difference& difference, const std::string& who);
    bool measure(bool full, int messages);
    bool measure_threads();
    void tidy_temporary_files();
    void check(const Growth& growth, const char* what);
    void tell(std::size_t kind, const std::string& who, const std::string& text);

    const StandardFds& standard_;
    PackageGuard& guard_;
    Duration slow_after_;
    bool slow_ = false;  // for the rest of its life, which ends with this message
    std::vector<Property> properties_;
    Footprint wanted_;
    LookPolicy policy_;
    std::array<Suspects, 4> since_;  // by Look: since the last one that was at least so deep
    int messages_ = 0;  // since the last full look
    std::map<std::pair<std::size_t, std::string>, std::set<std::string>> told_;  // by kind and filter
    LeftoverChildren children_;
    std::set<pid_t> children_now_;   // at the last look
    std::set<pid_t> children_then_;  // when the last message ended
    TemporaryFiles temporary_files_;
    std::size_t temporary_count_ = 0;
    std::string temporary_filter_;  // after which there were more of them
    bool may_have_called_ = false;  // code of a filter, since the message began
    long held_ = 0;    // descriptors of the message's files
    long lowest_ = 0;  // free descriptor, at the last look and without those
    Growth descriptors_, threads_, processes_;
    std::size_t wanted_address_space_ = 0;  // bytes
    std::vector<std::string> notes_;
    std::string retire_;
};

}  // namespace pythonfilter
