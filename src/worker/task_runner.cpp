#include "worker/task_runner.h"

#include "base/clock.h"
#include "message/removal.h"
#include "worker/changing_calls.h"
#include "worker/forked_child.h"
#include "worker/message_digest.h"
#include "worker/native_files.h"
#include "worker/python_error.h"

#include <algorithm>
#include <ctime>

namespace pythonfilter {

// What is in hand while the filters of one task run.
struct TaskRunner::Message {
    TaskFiles files;
    FilterChain chain;
    PyObj body_path;
    PyObj control_paths;  // one list for all filters: one may change it for the later ones
    Identity identity;    // after the last filter
    bool brief = true;    // that one had no time to change a file
};

namespace {

PyObj control_list(const std::vector<std::string>& paths) {
    PyObj list = steal(PyList_New(0));
    for (const auto& path : paths) {
        const PyObj item = to_python(path);
        if (!list || !item || PyList_Append(list.ptr(), item.ptr()) != 0) return {};
    }
    return list;
}

FailureEvent event_of(const PythonError& error) {
    return error.is_exception ? FailureEvent::exception : FailureEvent::exit;
}

ChainStep classify_result(const FilterSpec& spec, FilterChain& chain, const PyObj& result) {
    if (!result) {
        const PythonError error = take_python_error();
        return chain.take_failure(spec, event_of(error), error.text);
    }
    const auto reply = to_bytes(result.ptr());
    if (reply) return chain.take_reply(spec, *reply);
    return chain.take_failure(
        spec, FailureEvent::not_a_string,
        "returned an object of type " + std::string(Py_TYPE(result.ptr())->tp_name) + ", not a str");
}

void set_failure(Outcome& outcome, OutcomeKind kind, const Error& error) {
    outcome.kind = kind;
    outcome.detail = error.text;
}

// Puts the digest into the outcome. True when the message must not be run; one without a digest is.
bool is_refused(const DigestOrder& order, const TaskFiles& files, Outcome& outcome) {
    auto digest = digest_message(files, outcome.facts.sender, order.key);
    if (!digest) {
        outcome.detail = digest.error().text;
        return false;
    }
    outcome.digest = *digest;
    return std::find(order.refused.begin(), order.refused.end(), *digest) != order.refused.end();
}

// Else a filter that works may seem to have taken no time.
bool clock_is_fine() {
    static const bool is = [] {
        timespec step{};
        return clock_getres(CLOCK_MONOTONIC, &step) == 0 && step.tv_sec == 0 && step.tv_nsec <= 100;
    }();
    return is;
}

bool are_told(const Task& task, const Identity& identity) { return task.facts && task.expected == identity; }

// They are read where the task does not tell them, or speaks of other files.
Result<MessageFacts> facts_of(const TaskFiles& files, const Task& task, ControlTexts& texts) {
    if (!are_told(task, files.opened())) return files.facts_as_opened(texts);
    texts.clear();
    return *task.facts;
}

std::uint64_t nanoseconds(Duration duration) { return static_cast<std::uint64_t>(duration.count()); }

}  // namespace

const LoadedFilter* TaskRunner::find(std::uint32_t index) const {
    for (const auto& filter : filters_) {
        if (filter.spec.index == index) return &filter;
    }
    return nullptr;
}

Outcome TaskRunner::run(const Task& task) {
    Outcome outcome;
    outcome.task_id = task.id;
    outcome.state = task.state;
    auto files = TaskFiles::open(task);
    auto facts = files ? facts_of(*files, task, texts_) : Result<MessageFacts>(files.error());
    if (!facts) {
        set_failure(outcome, OutcomeKind::gone, facts.error());
        return outcome;
    }
    outcome.facts = std::move(*facts);
    outcome.identity = files->opened();
    if (task.expected && *task.expected != files->opened()) {
        set_failure(outcome, OutcomeKind::changed,
                    Error{task.body_path + " or a control file is not what the last filter left"});
        return outcome;
    }
    scoreboard_.begin_task(task.id, outcome.facts, files->opened());
    if (task.digest_order) {
        const bool refused = is_refused(*task.digest_order, *files, outcome);
        if (task.digest_order->only) outcome.kind = OutcomeKind::digested;
        else if (refused) outcome.kind = OutcomeKind::poisoned;
        if (outcome.kind != OutcomeKind::finished) return outcome;
    }
    Message message{std::move(*files), FilterChain(task.state), to_python(task.body_path),
                    control_list(task.control_paths), outcome.identity, true};
    if (!message.body_path || !message.control_paths) {  // no memory for two strings
        set_failure(outcome, OutcomeKind::gone, Error{take_python_error().text});
        return outcome;
    }
    register_native_files(message.files, texts_);
    tidy_up_.files_held(message.files.entries().size() - 1);
    run_filters(task, message, outcome);
    tidy_up_.message_ended();
    scoreboard_.note_children(tidy_up_.left_children());
    outcome.notes = tidy_up_.take_notes();
    outcome.retire = tidy_up_.retire();
    clear_native_files();
    if (are_told(task, outcome.identity)) outcome.facts = {};
    outcome.facts_hold = outcome.identity == message.files.opened();
    // The scoreboard goes on naming the last filter until the verdict is sent: one that closed the pipe is to blame.
    return outcome;
}

void TaskRunner::run_filters(const Task& task, Message& message, Outcome& outcome) {
    for (const std::uint32_t index : task.filters) {
        const std::size_t incidents = message.chain.incidents().size();
        message.brief = true;
        const ChainStep step = run_filter(index, message, outcome);
        const auto now = message.brief ? Result<Identity>(message.identity) : message.files.current();
        if (step != ChainStep::go_on) {
            outcome.kind = step == ChainStep::decided ? OutcomeKind::decided : OutcomeKind::failed;
            outcome.filter = index;
            if (now) note_change(index, *now, message, outcome);
            break;
        }
        if (!now) {
            set_failure(outcome, OutcomeKind::gone, now.error());
            break;
        }
        const bool changed = *now != message.identity;
        const bool failed = message.chain.incidents().size() > incidents;
        note_change(index, *now, message, outcome);
        if (changed || failed || !message.chain.state().pending_reply.empty()) report_progress(index, message, outcome);
        if (changed && is_refused_now(task, outcome)) {
            outcome.kind = OutcomeKind::poisoned;
            break;
        }
    }
    outcome.state = message.chain.state();
    outcome.incidents = message.chain.incidents();
    outcome.identity = message.identity;
}

// The files are read again only when they are other than before: most filters change nothing.
void TaskRunner::note_change(std::uint32_t index, const Identity& now, Message& message, Outcome& outcome) {
    if (now == message.identity) return;
    message.identity = now;
    auto facts = message.files.facts();
    if (!facts) return;
    if (auto removal = find_removal(index, outcome.facts, *facts)) outcome.removals.push_back(std::move(*removal));
    outcome.facts = std::move(*facts);
}

// A filter rewrites a message in the same way each time: what a later one died of is the rewritten one.
bool TaskRunner::is_refused_now(const Task& task, Outcome& outcome) {
    if (!task.digest_order) return false;
    const auto files = TaskFiles::open(task);
    return files && is_refused(*task.digest_order, *files, outcome);
}

ChainStep TaskRunner::run_filter(std::uint32_t index, Message& message, Outcome& outcome) {
    const LoadedFilter* filter = find(index);
    if (!filter) {
        FilterSpec unknown;
        unknown.index = index;
        return message.chain.take_failure(unknown, FailureEvent::unavailable, "this worker has no such filter");
    }
    if (message.chain.is_bypassed(filter->spec)) return ChainStep::go_on;
    if (!filter->available())
        return message.chain.take_failure(filter->spec, FailureEvent::unavailable, filter->failure);
    for (const PyObj& hook : filter->hooks) {
        // The first of two hooks may have switched its own filter off.
        if (message.chain.is_bypassed(filter->spec)) break;
        const ChainStep step = run_hook(*filter, hook.ptr(), message, outcome);
        if (step != ChainStep::go_on) return step;
    }
    return ChainStep::go_on;
}

ChainStep TaskRunner::run_hook(const LoadedFilter& filter, PyObject* hook, Message& message, Outcome& outcome) {
    cpu_.begin(filter.spec.index);
    take_descriptor_calls();
    const TimePoint began = Clock::now();
    scoreboard_.begin_filter(filter.spec.index, began);
    PyObject* const arguments[] = {message.body_path.ptr(), message.control_paths.ptr()};
    const PyObj result = steal(PyObject_Vectorcall(hook, arguments, 2, nullptr));
    leave_if_forked();
    const Duration time = Clock::now() - began;
    outcome.runs.push_back({filter.spec.index, nanoseconds(time), nanoseconds(cpu_.end(time))});
    const ChainStep step = classify_result(filter.spec, message.chain, result);
    // An exception is described by Python code, and another object than a plain str may have some to come.
    const bool is_plain = result && PyUnicode_CheckExact(result.ptr());
    const bool brief = is_plain && clock_is_fine() && is_brief(time) && !take_descriptor_calls();
    message.brief = message.brief && brief;
    tidy_up_.filter_ran(filter.spec.name, is_plain ? time : Clock::now() - began, brief);
    return step;
}

void TaskRunner::report_progress(std::uint32_t index, const Message& message, const Outcome& outcome) {
    Progress progress;
    progress.task_id = outcome.task_id;
    progress.finished = index;
    progress.state = message.chain.state();
    progress.identity = message.identity;
    progress.runs = outcome.runs;
    progress.incidents = message.chain.incidents();
    progress.removals = outcome.removals;
    on_progress_(std::move(progress));
}

}  // namespace pythonfilter
