// PoisonTable: from how many losses on a message is refused, and when that is forgotten.
#include "master/poison_table.h"

#include <doctest/doctest.h>

using namespace pythonfilter;

namespace {

using Digests = std::vector<MessageDigest>;

MessageDigest digest(std::uint64_t number) { return {{number, 0, 0, 1}}; }

struct Fixture {
    PoisonTable table{DigestKey{{1, 2, 3, 4}}};
    PoisonConfig config{2, 60s, PoisonAction::defer};
    TimePoint now{1000s};

    int kill(std::uint64_t number) { return table.killed(digest(number), "crash in x", config, now).kills; }
    Digests refused() { return table.refused(config, now); }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "poison: a message is refused from the configured number of losses on") {
    CHECK(refused().empty());
    CHECK(kill(1) == 1);
    CHECK(refused().empty());
    CHECK(kill(1) == 2);
    CHECK(refused() == Digests{digest(1)});
    CHECK(table.find(digest(1))->cause == "crash in x");
    CHECK(table.find(digest(2)) == nullptr);
}

TEST_CASE_FIXTURE(Fixture, "poison: each message is counted for itself, and every bit of a digest counts") {
    kill(1);
    kill(2);
    table.killed({{1, 0, 0, 2}}, "crash in x", config, now);
    CHECK(refused().empty());
    kill(2);
    CHECK(refused() == Digests{digest(2)});
}

TEST_CASE_FIXTURE(Fixture, "poison: what was remembered expires after the last loss, and is counted anew then") {
    kill(1);
    now += 59s;
    kill(1);
    now += 59s;
    CHECK(refused() == Digests{digest(1)});
    now += 1s;
    CHECK(refused().empty());
    CHECK(kill(1) == 1);
}

TEST_CASE_FIXTURE(Fixture, "poison: a full table loses what would expire first") {
    config.kills = 1;
    for (std::uint64_t number = 1; number <= PoisonTable::kMaxEntries; ++number) {
        kill(number);
        now += 1ms;
    }
    kill(1);
    CHECK(refused().size() == PoisonTable::kMaxEntries);
    now += 1ms;
    kill(1000);
    CHECK(refused().size() == PoisonTable::kMaxEntries);
    CHECK(table.find(digest(1)));
    CHECK_FALSE(table.find(digest(2)));
    CHECK(table.find(digest(1000)));
}

TEST_CASE_FIXTURE(Fixture, "poison: the number in force now decides, 0 refuses nothing") {
    kill(1);
    config.kills = 1;
    CHECK(refused().size() == 1);
    config.kills = 0;
    CHECK(refused().empty());
}
