// Footprint: what differs from how it should be, and how that is told.
#include "worker/footprint.h"

#include <doctest/doctest.h>

using namespace pythonfilter;

namespace {

struct World {
    std::string path = "/a", handlers = "none", umask = "022";
    int costly_reads = 0;

    std::vector<Property> properties() {
        const auto restore = [](const std::string&) { return true; };
        return {{"sys.path", Look::quick, [this] { return path; }, restore, {}},
                {"the handlers", Look::full, [this] { ++costly_reads; return handlers; }, restore, {}},
                {"the umask", Look::called, [this] { return umask; }, restore, from_to}};
    }
};

}  // namespace

TEST_CASE_FIXTURE(World, "nothing differs when nothing was changed") {
    const auto table = properties();
    const Footprint wanted = read_all(table);
    CHECK(find_differences(table, wanted, Look::full).empty());
}

TEST_CASE_FIXTURE(World, "each difference is found, with its value, in the order of the table") {
    const auto table = properties();
    const Footprint wanted = read_all(table);
    umask = "077", handlers = "some", path = "/b";
    const auto differences = find_differences(table, wanted, Look::full);
    REQUIRE(differences.size() == 3);
    CHECK(differences[0].property == 0);
    CHECK(differences[0].value == "/b");
    CHECK(differences[1].property == 1);
    CHECK(differences[2].property == 2);
}

TEST_CASE_FIXTURE(World, "what is costly is read in a full look only") {
    const auto table = properties();
    const Footprint wanted = read_all(table);
    handlers = "some";
    costly_reads = 0;
    CHECK(find_differences(table, wanted, Look::quick).empty());
    CHECK(find_differences(table, wanted, Look::called).empty());
    CHECK(costly_reads == 0);
    CHECK(find_differences(table, wanted, Look::full).size() == 1);
}

TEST_CASE_FIXTURE(World, "what only certain functions can change is read when one of them was called") {
    const auto table = properties();
    const Footprint wanted = read_all(table);
    umask = "077";
    CHECK(find_differences(table, wanted, Look::quick).empty());
    CHECK(find_differences(table, wanted, Look::called).size() == 1);
    CHECK(find_differences(table, wanted, Look::full).size() == 1);
}

TEST_CASE_FIXTURE(World, "a change is told with its values where that helps, at most some hundred bytes") {
    const auto table = properties();
    CHECK(describe(table[2], "022", "077") == "the umask (022 -> 077)");
    CHECK(describe(table[0], "/a", "/b") == "sys.path");
    CHECK(describe(table[2], std::string(5000, 'x'), std::string(5000, 'y')).size() < 300);
}
