// Growth: a leak is told from what filters open once and keep, and whose it is.
#include "worker/growth.h"

#include <doctest/doctest.h>

using namespace pythonfilter;

namespace {

struct Descriptors {
    Growth growth;
    long count = 10;
    Descriptors() { growth.begin(count, 1024); }
    void open(long more, const std::string& filter, int messages = 1) {
        Suspects suspects;
        suspects.add(filter);
        growth.note(count += more, messages, suspects);
    }
};

}  // namespace

TEST_CASE_FIXTURE(Descriptors, "one descriptor more with each message is a leak") {
    int messages = 0;
    for (; !growth.leaks() && messages < 1000; ++messages) open(1, "leaky");
    CHECK(messages == 65);
    CHECK(growth.growth() == 65);
    CHECK(growth.culprit() == "filter leaky");
}

TEST_CASE_FIXTURE(Descriptors, "a pool that is opened once is none, however often it is used") {
    open(200, "pool");
    for (int message = 0; message < 1000; ++message) open(0, "pool");
    CHECK_FALSE(growth.leaks());
}

TEST_CASE_FIXTURE(Descriptors, "threads that come one by one up to a full pool are none") {
    for (int message = 0; message < 1000; ++message) open(message < 32 ? 1 : 0, "pool");
    CHECK_FALSE(growth.leaks());
}

TEST_CASE_FIXTURE(Descriptors, "what is closed again does not count twice") {
    for (int message = 0; message < 1000; ++message) {
        open(40, "busy");
        open(-40, "busy");
    }
    CHECK_FALSE(growth.leaks());
}

TEST_CASE_FIXTURE(Descriptors, "when most of the room is used it does not matter how") {
    open(761, "greedy");
    CHECK(growth.leaks());
}

TEST_CASE("a low limit makes it a leak sooner") {
    Growth growth;
    growth.begin(10, 50);
    for (long count = 11; count <= 30; ++count) growth.note(count, 1, {});
    CHECK_FALSE(growth.leaks());
    growth.note(31, 1, {});
    CHECK(growth.leaks());
}

TEST_CASE_FIXTURE(Descriptors, "the filter that left most is named") {
    open(3, "first");
    open(9, "second");
    open(3, "first");
    CHECK(growth.culprit() == "filter second");
}

struct TwoFilters {
    const std::string tight = "tight", leaky = "leaky";
    Suspects both;
    Growth growth;

    TwoFilters() {
        both.add(tight);
        both.add(leaky);
        growth.begin(0, 1000);
    }
    static Suspects only(const std::string& filter) {
        Suspects one;
        one.add(filter);
        return one;
    }
};

TEST_CASE_FIXTURE(TwoFilters, "who is known to have left some is named rather than several who may have left more") {
    growth.note(33, 50, both);
    CHECK(growth.culprit() == "one of the filters tight, leaky");
    growth.note(65, 32, only(leaky));
    CHECK(growth.culprit() == "filter leaky");
}

TEST_CASE_FIXTURE(TwoFilters, "a filter that has left little is not named for what several may have left") {
    growth.note(1, 1, only(tight));
    growth.note(86, 100, both);
    CHECK(growth.culprit() == "one of the filters tight, leaky");
}

TEST_CASE_FIXTURE(Descriptors, "seen seldom, a leak is one as well") {
    open(100, "leaky", 100);
    CHECK(growth.leaks());
}

TEST_CASE("suspects: one is named, several are listed, each once") {
    const std::string a = "a", b = "b";
    Suspects suspects;
    CHECK(suspects.empty());
    suspects.add(a);
    CHECK(suspects.text() == "filter a");
    CHECK(suspects.clear());
    suspects.add(b);
    suspects.add(a);
    CHECK(suspects.text() == "one of the filters a, b");
    CHECK_FALSE(suspects.clear());
}
