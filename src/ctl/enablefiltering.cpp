#include "ctl/enablefiltering.h"

#include "base/log.h"

#include <algorithm>
#include <vector>

namespace pythonfilter {
namespace {

constexpr std::string_view kModules[] = {"esmtp", "local", "uucp", "dsn"};
constexpr std::string_view kBlanks = " \t\r";

std::string_view first_line(std::string_view text) { return text.substr(0, text.find('\n')); }

std::vector<std::string_view> words_of(std::string_view line) {
    std::vector<std::string_view> words;
    for (;;) {
        line.remove_prefix(std::min(line.find_first_not_of(kBlanks), line.size()));
        if (line.empty()) return words;
        words.push_back(line.substr(0, line.find_first_of(kBlanks)));
        line.remove_prefix(words.back().size());
    }
}

bool is_module(std::string_view word) {
    return std::find(std::begin(kModules), std::end(kModules), word) != std::end(kModules);
}

}  // namespace

bool filters_mail_of(std::string_view module, std::optional<std::string_view> text) {
    const auto words = words_of(first_line(text.value_or("")));
    return std::find(words.begin(), words.end(), module) != words.end();
}

Findings examine_enablefiltering(const std::string& path, std::optional<std::string_view> text) {
    const std::string mend = "echo esmtp > " + path + "  (and `local`, after a blank, for mail sent on this machine)";
    if (!text) return {error(path + " is missing: Courier filters no mail", mend)};
    Findings findings;
    for (const std::string_view word : words_of(first_line(*text))) {
        if (is_module(word)) continue;
        findings.push_back(error(path + ": `" + escape(word) + "` is none of esmtp, local, uucp: Courier knows words "
                                        "with blanks between them, no commas and no comments", mend));
    }
    const std::size_t end = first_line(*text).size();
    if (text->substr(end).find_first_not_of(" \t\r\n") != std::string_view::npos)
        findings.push_back(warning(path + ": Courier reads the first line only", mend));
    const bool any = std::any_of(std::begin(kModules), std::end(kModules),
                                 [&](std::string_view module) { return filters_mail_of(module, text); });
    if (!any) findings.push_back(error(path + " names no kind of mail: Courier filters none", mend));
    else if (!filters_mail_of("esmtp", text))
        findings.push_back(warning(path + ": mail that comes by SMTP is not filtered", mend));
    if (findings.empty()) findings.push_back(good("filtered is mail of: " + escape(first_line(*text))));
    return findings;
}

}  // namespace pythonfilter
