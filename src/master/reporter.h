// Reporter: how the parts of the master say something to the log: a level, a text that is already escaped where it came
// from outside, and what it is about, as raw fields. The server gives it; nobody else knows where lines go.
#pragma once

#include "base/log_format.h"

#include <functional>
#include <string>
#include <utility>

namespace pythonfilter {

class Reporter {
public:
    using Sink = std::function<void(LogLevel, const std::string&, const LogFields&)>;

    /// `takes_fields`: whether the log has a use for them now; none: it has.
    Reporter(Sink sink, std::function<bool()> takes_fields = {})  // implicit: a lambda is one
        : sink_(std::move(sink)), takes_fields_(std::move(takes_fields)) {}

    void operator()(LogLevel level, const std::string& text, const LogFields& fields = {}) const {
        sink_(level, text, fields);
    }
    /// Of lines of messages, which no limit holds back: it spares the path of a message what would be thrown away.
    bool takes_fields() const { return !takes_fields_ || takes_fields_(); }

private:
    Sink sink_;
    std::function<bool()> takes_fields_;
};

/// Several raw lines (a traceback) as log lines with the same label in front of each.
void report_lines(const Reporter& report, LogLevel level, const std::string& label, std::string_view raw_lines,
                  const LogFields& fields = {});

/// The fields of what a worker says or is said of. The label is "POOL/NUMBER"; an empty id stands for no message.
LogFields worker_fields(const std::string& label, const std::string& message_id, const std::string& filter = {});

}  // namespace pythonfilter
