// Replies. What a filter returns is a suggestion: this file decides what it means and composes what Courier gets. A
// composed reply is printable ASCII, has one code on all lines, lines of at most 500 bytes, LF only, and a final LF;
// Courier passes it raw to the SMTP client. An accept is one line; `0xx` accepts and skips other filters.
#pragma once

#include <string>
#include <string_view>

namespace pythonfilter {

enum class Verdict { accept, defer, reject };
std::string_view to_string(Verdict verdict);

enum class ReplyClass {
    none,        // '': the filter has no opinion
    accept,      // 2xx: accepted here; the rest of the chain (or those named after `for`) is skipped
    accept_all,  // 0xx: accepted, and Courier asks no other filter
    refuse,      // first byte 4 or 5: in every mode a refusal, its text is repaired
    bad,         // anything else
};

/// The class of what a filter returned (UTF-8; surrogates that could not be encoded make it `bad` unless it refuses).
ReplyClass classify_reply(std::string_view text);

/// Longest text from a filter that is looked at; a longer one is `bad`, or cut when it refuses.
inline constexpr std::size_t kMaxReplyText = 16 * 1024;

/// The reply for Courier. `text` must not be of class `bad`; class `none` gives "200 Ok\n".
std::string compose_reply(std::string_view text);

Verdict verdict_of(std::string_view composed_reply);

/// Our own answers: code, enhanced code and text in one place.
namespace replies {
std::string starting();          // 451 4.3.0
std::string misconfigured();     // 451 4.3.0 (guardian without a usable configuration)
std::string bad_request();       // 451 4.3.0
std::string queue_full();        // 451 4.3.2
std::string out_of_time();       // 451 4.3.0: the message's budget is over
std::string stopping();          // 451 4.3.2
std::string draining();          // 451 4.3.2: an administrator said `drain`
std::string files_gone();        // 451 4.3.0
std::string filter_defer();      // 451 4.3.0: a filter failed, policy defer
std::string filter_reject();     // 554 5.3.0: a filter failed, policy reject
}  // namespace replies

}  // namespace pythonfilter
