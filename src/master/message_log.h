// What the log says of a message: the record that the router fills, and the lines made of it. Pure. The refusal line
// and the accounting line have the form that sites grep for.
#pragma once

#include "base/clock.h"
#include "base/log_format.h"
#include "message/frames.h"
#include "message/reply.h"

#include <string>
#include <string_view>
#include <vector>

namespace pythonfilter {

struct MessageRecord {
    MessageFacts facts;           // empty id: it reached no worker
    std::string_view body_path;   // lent; the label where there is no id
    std::string decided_by;       // filter; empty: the chain ended, or the server's own answer
    std::string reason;           // of an answer of our own: "queue full", "timeout in clamav"
    std::string reply;            // composed
    std::vector<FilterRun> runs;  // in order
    std::uint64_t removed = 0;    // recipients that filters took off it so far
    std::string worker;           // of the last stage
    Duration queue_wait{};        // over all stages
    Duration total{};             // accept to reply
};

/// The name of a chain index, for the lines below.
using FilterNames = std::vector<std::string>;

/// "message id=... from=<...> to=<...>,<...> size=... verdict=accept ...": one for every message.
std::string message_line(const MessageRecord& record, const FilterNames& names);

/// What the lines are about. A verdict that is still open is left out.
LogFields message_fields(const MessageRecord& record);

/// "message id=... filter=NAME removed recipient <...>": one for each, until `record.removed` and these together are
/// kMaxLoggedRecipients; then one that counts the rest.
std::vector<std::string> removal_lines(const MessageRecord& record, const std::vector<Removal>& removals,
                                       const FilterNames& names);

/// "pythonfilter FILTER reject,from=<...>,addr=<...>: REPLY": one for each open recipient of a refused message.
std::vector<std::string> refusal_lines(const MessageRecord& record);

/// "CPU TIME ACCOUNTING: ID processed with S seconds: (FILTER(S) ...)": one for every message.
std::string accounting_line(const MessageRecord& record, const FilterNames& names);

/// The id, or the body's path where no worker has told the id. Escaped.
std::string message_label(const MessageRecord& record);

}  // namespace pythonfilter
