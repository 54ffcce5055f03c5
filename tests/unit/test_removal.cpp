// Which recipients are missing after a filter, by what was open before it and after it.
#include "message/removal.h"

#include <doctest/doctest.h>

using namespace pythonfilter;

namespace {

MessageFacts facts(std::vector<std::string> recipients) {
    MessageFacts facts;
    facts.recipient_count = static_cast<std::uint32_t>(recipients.size());
    facts.recipients = std::move(recipients);
    return facts;
}

// More open recipients than are listed.
MessageFacts facts(std::vector<std::string> recipients, std::uint32_t count) {
    MessageFacts result = facts(std::move(recipients));
    result.recipient_count = count;
    return result;
}

}  // namespace

TEST_CASE("removal: nobody is missing") {
    CHECK_FALSE(find_removal(1, facts({}), facts({})));
    CHECK_FALSE(find_removal(1, facts({"a", "b"}), facts({"b", "a"})));
    CHECK_FALSE(find_removal(1, facts({"a"}), facts({"a", "b"})));
    CHECK_FALSE(find_removal(1, facts({"a"}, 20), facts({"a"}, 30)));
}

TEST_CASE("removal: who is missing, in order, and who is counted once too often") {
    struct Row {
        std::vector<std::string> before, after, missing;
    };
    const Row rows[] = {
        {{"a", "b", "c"}, {"b"}, {"a", "c"}},
        {{"a", "b"}, {}, {"a", "b"}},
        {{"a"}, {"b"}, {"a"}},
        {{"a", "a", "a"}, {"a"}, {"a", "a"}},
        {{"a", "b"}, {"b", "c", "d"}, {"a"}},
    };
    for (const Row& row : rows) {
        const auto removal = find_removal(7, facts(row.before), facts(row.after));
        REQUIRE(removal);
        CHECK(removal->filter == 7);
        CHECK(removal->recipients == row.missing);
        CHECK(removal->count == row.missing.size());
    }
}

TEST_CASE("removal: of recipients beyond the list only the number is known") {
    const auto removal = find_removal(1, facts({"a", "b"}, 20), facts({"a", "c"}, 15));
    REQUIRE(removal);
    CHECK(removal->recipients == std::vector<std::string>{"b"});
    CHECK(removal->count == 5);
    CHECK_FALSE(find_removal(1, facts({"a", "b"}, 20), facts({"n", "a"}, 21)));  // b was pushed out of the list
    CHECK(find_removal(1, facts({"a", "b"}, 20), facts({"n", "m"}, 19))->recipients.size() == 1);
}
