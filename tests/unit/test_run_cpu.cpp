// RunCpu: exact where a filter takes long, cheap where it does not.
#include "worker/run_cpu.h"

#include <doctest/doctest.h>

using namespace pythonfilter;

namespace {

Duration used;  // of CPU time, so far
int readings;

Duration read_clock() {
    ++readings;
    return used;
}

struct Fixture {
    RunCpu cpu{read_clock};

    Fixture() {
        used = 5s;
        readings = 0;
    }

    // A run that takes `wall`, of which it works for `work`; the worker itself works for 100 us before the next one.
    Duration run(Duration wall, Duration work, std::uint32_t filter = 0) {
        cpu.begin(filter);
        used += work;
        const Duration found = cpu.end(wall);
        used += 100us;
        return found;
    }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "run cpu: of runs that take long it is exact") {
    CHECK(run(2s, 3ms) == 3ms);
    CHECK(run(1ms, 900us) == 900us);
    CHECK(run(20us, 15us) == 15us);  // behind one that took long
}

TEST_CASE_FIXTURE(Fixture, "run cpu: quick runs count with all of their time, and the clock is seldom read") {
    run(20us, 15us);
    readings = 0;
    for (int i = 0; i < 900; ++i) {
        const Duration found = run(20us, 15us);
        CHECK((found == 20us || found == 15us));
    }
    CHECK(readings == 2 * 100);
}

TEST_CASE_FIXTURE(Fixture, "run cpu: one that takes long behind quick ones counts too much, by eight runs, once") {
    for (int i = 0; i < 100; ++i) {
        for (int quick = 0; quick < i % 20; ++quick) run(50us, 50us);
        CHECK(run(30s, 2ms) <= 2ms + 9 * 150us);
        CHECK(run(30s, 2ms) == 2ms);
    }
}

TEST_CASE_FIXTURE(Fixture, "run cpu: a filter that takes long is exact behind others that do not") {
    run(30s, 2ms, 3);
    for (int i = 0; i < 100; ++i) {
        for (std::uint32_t filter = 0; filter < 3; ++filter) run(20us, 15us, filter);
        CHECK(run(30s, 2ms, 3) == 2ms);
    }
}

TEST_CASE_FIXTURE(Fixture, "run cpu: never more than the run took") {
    for (int i = 0; i < 20; ++i) run(20us, 15us);
    CHECK(run(60us, 50us) == 60us);
}
