#include "message/reply.h"

#include <algorithm>
#include <vector>

namespace pythonfilter {
namespace {

constexpr std::size_t kMaxReplyLine = 500;   // RFC 5321 allows 512 with CR LF
constexpr std::size_t kMaxReplyLines = 20;   // what a postmaster can still read

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool has_code(std::string_view line) {
    return line.size() >= 3 && is_digit(line[0]) && is_digit(line[1]) && is_digit(line[2]);
}

// "NNN text", "NNN-text" or "NNN" alone.
bool is_reply_line(std::string_view line) {
    return has_code(line) && (line.size() == 3 || line[3] == ' ' || line[3] == '-');
}

// Whether an encoder had to leave a surrogate half in: it comes as ED A0..BF xx.
bool has_surrogate(std::string_view text) {
    for (std::size_t at = text.find('\xED'); at != std::string_view::npos; at = text.find('\xED', at + 1)) {
        if (at + 1 < text.size() && static_cast<unsigned char>(text[at + 1]) >= 0xA0) return true;
    }
    return false;
}

// One line of printable ASCII: blanks for white space, one '?' for each character that is something else.
std::string printable(std::string_view line) {
    std::string out;
    out.reserve(line.size());
    for (const char c : line) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte == '\r') continue;
        if ((byte & 0xC0) == 0x80) continue;  // inside a UTF-8 character, whose first byte became '?'
        out += byte == '\t' ? ' ' : (byte < 0x20 || byte >= 0x7F ? '?' : c);
    }
    while (!out.empty() && out.back() == ' ') out.pop_back();
    return out;
}

std::vector<std::string_view> split_lines(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const auto end = text.find('\n');
        lines.push_back(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return lines;
}

// The text of a refusal's line without its code, if it has one.
std::string_view without_code(std::string_view line) {
    if (!is_reply_line(line)) return line;
    return line.size() > 4 ? line.substr(4) : std::string_view();
}

// A refusal's first line such as "5 no" or "550x no": its words, after the digits that stood for a code. But "5.7.1 no"
// begins with an enhanced code, which stays.
std::string_view without_broken_code(std::string_view line) {
    if (line.size() > 1 && line[1] == '.') return line;
    const auto words = line.substr(std::min(line.find_first_not_of("0123456789"), line.size()));
    return words.substr(std::min(words.find_first_not_of(" \t"), words.size()));
}

// Folds at a blank where there is one.
void append_folded(std::vector<std::string>& out, std::string text) {
    constexpr std::size_t room = kMaxReplyLine - 5;  // code, separator, LF
    while (text.size() > room) {
        auto cut = text.rfind(' ', room);
        if (cut == std::string::npos || cut < room / 2) cut = room;
        out.push_back(text.substr(0, cut));
        text.erase(0, text[cut] == ' ' ? cut + 1 : cut);
    }
    out.push_back(std::move(text));
}

std::string refusal_code(std::string_view text) {
    if (has_code(text) && (text.size() == 3 || !is_digit(text[3]))) return std::string(text.substr(0, 3));
    return text[0] == '4' ? "450" : "550";
}

std::string compose_refusal(std::string_view text) {
    const std::string code = refusal_code(text);
    std::vector<std::string> lines;
    bool first = true;
    for (std::string_view line : split_lines(text.substr(0, kMaxReplyText))) {
        line = first && !is_reply_line(line) ? without_broken_code(line) : without_code(line);
        first = false;
        append_folded(lines, printable(line));
    }
    while (lines.size() > 1 && lines.back().empty()) lines.pop_back();
    if (lines.size() > kMaxReplyLines) lines.resize(kMaxReplyLines);
    if (lines.size() == 1 && lines[0].empty()) lines[0] = "Refused by a mail filter";
    std::string reply;
    for (std::size_t i = 0; i < lines.size(); ++i) {
        reply += code + (i + 1 < lines.size() ? "-" : " ") + lines[i] + "\n";
    }
    return reply;
}

// Courier throws the text of a 2xx away and shows that of a 0xx; both are one line.
std::string compose_accept(std::string_view text) {
    std::string words = printable(without_code(text.substr(0, text.find_first_of("\r\n"))));
    if (words.empty()) words = "Ok";
    if (words.size() > kMaxReplyLine - 5) words.resize(kMaxReplyLine - 5);
    return std::string(text.substr(0, 3)) + " " + words + "\n";
}

}  // namespace

std::string_view to_string(Verdict verdict) {
    switch (verdict) {
        case Verdict::accept: return "accept";
        case Verdict::defer: return "defer";
        case Verdict::reject: return "reject";
    }
    return "defer";
}

ReplyClass classify_reply(std::string_view text) {
    if (text.empty()) return ReplyClass::none;
    if (text[0] == '4' || text[0] == '5') return ReplyClass::refuse;
    if (text[0] != '2' && text[0] != '0') return ReplyClass::bad;
    if (text.size() > kMaxReplyText || has_surrogate(text)) return ReplyClass::bad;
    if (!is_reply_line(text.substr(0, text.find_first_of("\r\n")))) return ReplyClass::bad;
    return text[0] == '2' ? ReplyClass::accept : ReplyClass::accept_all;
}

std::string compose_reply(std::string_view text) {
    switch (classify_reply(text)) {
        case ReplyClass::none: return "200 Ok\n";
        case ReplyClass::accept:
        case ReplyClass::accept_all: return compose_accept(text);
        case ReplyClass::refuse: return compose_refusal(text);
        case ReplyClass::bad: break;
    }
    return replies::filter_defer();  // callers ask classify_reply() first; a slip must not become an accept
}

Verdict verdict_of(std::string_view composed_reply) {
    switch (composed_reply.empty() ? '4' : composed_reply[0]) {
        case '0':
        case '2': return Verdict::accept;
        case '5': return Verdict::reject;
        default: return Verdict::defer;
    }
}

namespace replies {
std::string starting() { return "451 4.3.0 Mail filters are starting, please try again later\n"; }
std::string misconfigured() { return "451 4.3.0 Mail filters are not available, please try again later\n"; }
std::string bad_request() { return "451 4.3.0 Mail filter did not understand the request\n"; }
std::string queue_full() { return "451 4.3.2 Mail filters are busy, please try again later\n"; }
std::string out_of_time() { return "451 4.3.0 Mail filters took too long, please try again later\n"; }
std::string stopping() { return "451 4.3.2 Mail filters are stopping, please try again later\n"; }
std::string draining() { return "451 4.3.2 Mail filters are paused, please try again later\n"; }
std::string files_gone() { return "451 4.3.0 Message files are not available to the mail filter\n"; }
std::string filter_defer() { return "451 4.3.0 Mail filter failed, please try again later\n"; }
std::string filter_reject() { return "554 5.3.0 Message refused: a mail filter failed\n"; }
}  // namespace replies

}  // namespace pythonfilter
