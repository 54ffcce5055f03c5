// The failure policy: what happens to a message when a filter fails. Plain values, known to configuration, worker
// (which goes on by itself after `skip`) and master (which composes the reply for `defer` and `reject`).
#pragma once

#include <cstdint>
#include <string_view>

namespace pythonfilter {

enum class FailureAction : std::uint8_t { skip, defer, reject };

/// What went wrong. The first four happen inside a worker that lives on; the others are seen by the master.
enum class FailureEvent : std::uint8_t {
    exception,     // an Exception left the filter                                on_error
    exit,          // SystemExit, KeyboardInterrupt: any other BaseException      on_error
    not_a_string,  // the result is not a str                                     on_bad_reply
    bad_reply,     // a str that is no SMTP reply                                 on_bad_reply
    timeout,       // its time was over and the worker was killed                 on_timeout
    crash,         // the worker died while it ran                                on_crash
    unavailable,   // import or init failed, no worker                            on_unavailable
};
inline constexpr int kFailureEvents = 7;

struct FailurePolicy {
    FailureAction on_error = FailureAction::defer;
    FailureAction on_timeout = FailureAction::defer;
    FailureAction on_crash = FailureAction::defer;
    FailureAction on_bad_reply = FailureAction::defer;
    FailureAction on_unavailable = FailureAction::defer;
    /// Set when the server runs from pythonfilter.conf: an Exception and a result that is no str are skipped, as such
    /// sites have it today.
    bool legacy = false;

    FailureAction action(FailureEvent event) const;
};

std::string_view to_string(FailureAction action);
/// "exception", "timeout", ...: the words of the log line.
std::string_view to_string(FailureEvent event);

}  // namespace pythonfilter
