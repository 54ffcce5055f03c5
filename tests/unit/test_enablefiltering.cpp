#include "ctl/enablefiltering.h"

#include <doctest/doctest.h>

using namespace pythonfilter;

namespace {

int errors(std::optional<std::string_view> text) {
    int count = 0;
    for (const Finding& finding : examine_enablefiltering("/e", text)) {
        CHECK((finding.level == Finding::Level::good) == finding.mend.empty());
        count += finding.level == Finding::Level::error;
    }
    return count;
}

int warnings(std::string_view text) {
    int count = 0;
    for (const Finding& finding : examine_enablefiltering("/e", text))
        count += finding.level == Finding::Level::warning;
    return count;
}

}  // namespace

TEST_CASE("enablefiltering: words of the first line, with blanks between them") {
    for (const char* text : {"esmtp\n", "esmtp", "local\tesmtp\n", "  esmtp  local uucp \r\n"}) {
        CAPTURE(text);
        CHECK(errors(text) == 0);
        CHECK(warnings(text) == 0);
        CHECK(filters_mail_of("esmtp", text));
    }
    CHECK(warnings("local\n") == 1);
    CHECK_FALSE(filters_mail_of("esmtp", "local\n"));
    CHECK(warnings("esmtp\nlocal\n") == 1);
    CHECK_FALSE(filters_mail_of("local", "esmtp\nlocal\n"));
}

TEST_CASE("enablefiltering: commas, comments, capitals and nothing are errors") {
    CHECK(errors("esmtp,local\n") == 2);  // it is no word, and there is no other
    CHECK(errors("esmtp, local\n") == 1);
    CHECK(errors("# esmtp\n") == 1);
    CHECK(errors("ESMTP\n") == 2);
    CHECK(errors("") == 1);
    CHECK(errors("\nesmtp\n") == 1);
    CHECK(errors(std::nullopt) == 1);
    CHECK_FALSE(filters_mail_of("esmtp", "esmtp,local\n"));
    CHECK(filters_mail_of("esmtp", "# esmtp\n"));
    CHECK_FALSE(filters_mail_of("esmtp", std::nullopt));
}
