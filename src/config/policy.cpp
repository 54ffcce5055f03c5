#include "config/policy.h"

namespace pythonfilter {

FailureAction FailurePolicy::action(FailureEvent event) const {
    switch (event) {
        case FailureEvent::exception: return legacy ? FailureAction::skip : on_error;
        case FailureEvent::exit: return on_error;
        case FailureEvent::not_a_string: return legacy ? FailureAction::skip : on_bad_reply;
        case FailureEvent::bad_reply: return on_bad_reply;
        case FailureEvent::timeout: return on_timeout;
        case FailureEvent::crash: return on_crash;
        case FailureEvent::unavailable: return on_unavailable;
    }
    return FailureAction::defer;
}

std::string_view to_string(FailureAction action) {
    switch (action) {
        case FailureAction::skip: return "skip";
        case FailureAction::defer: return "defer";
        case FailureAction::reject: return "reject";
    }
    return "defer";
}

std::string_view to_string(FailureEvent event) {
    switch (event) {
        case FailureEvent::exception: return "exception";
        case FailureEvent::exit: return "exit";
        case FailureEvent::not_a_string: return "result is not a string";
        case FailureEvent::bad_reply: return "bad reply";
        case FailureEvent::timeout: return "timeout";
        case FailureEvent::crash: return "crash";
        case FailureEvent::unavailable: return "unavailable";
    }
    return "unknown";
}

}  // namespace pythonfilter
