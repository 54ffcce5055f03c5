// RunCpu: exact where a run takes long, cheap where it does not, and never far off.
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

    // A run that takes `wall`, of which it works for `work`; the worker itself works for 10 us before the next one.
    Duration run(Duration wall, Duration work) {
        cpu.begin();
        used += work;
        const Duration found = cpu.end(wall);
        used += 10us;
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
    for (int i = 0; i < 1000; ++i) {
        const Duration found = run(20us, 15us);
        CHECK((found == 20us || found == 15us));
    }
    CHECK(readings <= 2 * 1000 / 30);
}

TEST_CASE_FIXTURE(Fixture, "run cpu: a run that waits behind quick ones counts little too much, and once") {
    for (int i = 0; i < 1000; ++i) {
        for (int quick = 0; quick < i % 64; ++quick) run(20us, 15us);
        CHECK(run(30s, 2ms) < 3ms);
        CHECK(run(30s, 2ms) == 2ms);
    }
}

TEST_CASE_FIXTURE(Fixture, "run cpu: never more than the run took") {
    for (int i = 0; i < 20; ++i) run(20us, 15us);
    CHECK(run(60us, 50us) == 60us);
}
