// Replies: whatever a filter returns, Courier gets a well-formed answer, and a refusal stays one.
#include "demand.h"
#include "message/reply.h"

#include <string>

using namespace pythonfilter;

namespace {

bool is_code(std::string_view text) {
    return text.size() == 3 && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

void check_line(std::string_view line, std::string_view code, bool last) {
    DEMAND(line.size() + 1 <= 500);
    DEMAND(line.size() >= 4 && line.substr(0, 3) == code);
    DEMAND(line[3] == (last ? ' ' : '-'));
    DEMAND(std::all_of(line.begin(), line.end(), [](char c) { return c >= ' ' && c <= '~'; }));
}

// Printable ASCII, one code on all lines, LF only, a final LF.
void check_form(std::string_view reply) {
    DEMAND(!reply.empty() && reply.back() == '\n');
    const auto code = reply.substr(0, 3);
    DEMAND(is_code(code));
    int lines = 0;
    while (!reply.empty()) {
        const auto end = reply.find('\n');
        check_line(reply.substr(0, end), code, end + 1 == reply.size());
        reply.remove_prefix(end + 1);
        ++lines;
    }
    DEMAND(lines <= 20);
    DEMAND(lines == 1 || code[0] == '4' || code[0] == '5');
}

void check_meaning(std::string_view text, const std::string& reply) {
    const Verdict verdict = verdict_of(reply);
    const bool same_code = reply.substr(0, 3) == text.substr(0, 3);
    switch (classify_reply(text)) {
        case ReplyClass::none: DEMAND(text.empty() && verdict == Verdict::accept); return;
        case ReplyClass::accept:
        case ReplyClass::accept_all: DEMAND(verdict == Verdict::accept && same_code); return;
        case ReplyClass::refuse: DEMAND(reply[0] == text[0]); return;
        case ReplyClass::bad: DEMAND(verdict == Verdict::defer); return;
    }
    DEMAND(false);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = as_text(data, size);
    const std::string reply = compose_reply(text);
    check_form(reply);
    check_meaning(text, reply);
    if (text.starts_with('4')) DEMAND(verdict_of(reply) == Verdict::defer);
    if (text.starts_with('5')) DEMAND(verdict_of(reply) == Verdict::reject);
    // The worker hands the text on, the master composes: to do it again must change no verdict.
    const std::string again = compose_reply(reply);
    check_form(again);
    DEMAND(again.substr(0, 3) == reply.substr(0, 3));
    return 0;
}
