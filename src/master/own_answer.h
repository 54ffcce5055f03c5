// OwnAnswer: what the server answers when no filter is to blame and none was asked: reply, reason in the log, and the
// name under which it is counted. Pure. Used by router, entrance and server.
#pragma once

#include "message/reply.h"

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace pythonfilter {

enum class OwnAnswer { queue_full, out_of_time, client_gone, stopping, draining, files_gone, files_changed };

struct OwnAnswerRow {
    std::string_view name;
    std::string (*reply)();
    std::string_view reason;
};
inline constexpr std::array<OwnAnswerRow, 7> kOwnAnswers = {{  // by OwnAnswer
    {"queue_full", replies::queue_full, "queue full"},
    {"out_of_time", replies::out_of_time, "the message's time is over"},
    {"client_gone", replies::out_of_time, "the client hung up while the message waited"},
    {"stopping", replies::stopping, "the server is stopping"},
    {"draining", replies::draining, "the server is drained"},
    {"files_gone", replies::files_gone, "its files are gone"},
    {"files_changed", replies::filter_defer, "its files have been changed"},
}};
inline const OwnAnswerRow& row_of(OwnAnswer answer) { return kOwnAnswers[static_cast<std::size_t>(answer)]; }

}  // namespace pythonfilter
