#include "ctl/print.h"
#include "ctl/table.h"
#include "message/human_text.h"

#include <doctest/doctest.h>

using namespace pythonfilter;

TEST_CASE("ctl: columns are as wide as their longest text, numbers stand at the right") {
    CHECK(table_text({{"worker", "served", "doing"}, {"default/1", "7", "x"}, {"b", "12345678"}}, " ") ==
          " worker     served    doing\n"
          " default/1         7  x\n"
          " b          12345678\n");
    CHECK(table_text({{"\xc3\xa4", "x"}, {"b", "y"}}) == "\xc3\xa4  x\nb  y\n");
}

TEST_CASE("ctl: spans of time in two units") {
    CHECK(span_text(0.04) == "0.0 s");
    CHECK(span_text(59.94) == "59.9 s");
    CHECK(span_text(200) == "3 min 20 s");
    CHECK(span_text(7200) == "2 h 0 min");
    CHECK(span_text(90000) == "1 d 1 h");
}

TEST_CASE("ctl: status names state, problems, pools and what a worker does") {
    ServerStatus status;
    status.state = "serving";
    status.generation = 2;
    status.problems = {"pool default: no"};
    status.last_reload = {"given up", {"line 1"}, 5};
    status.pools = {{"default", 2, "serving", 1, 3, "landlock", {}}, {"old", 1, "stopping", 2, 0, "", {}}};
    status.pools[0].workers = {{"default/1", 17, "busy", "clamav", "x", 1.5, 4, 1 << 20, 2, {"SIGSEGV", 3}}};
    const std::string text = to_text(status);
    for (const char* part : {"serving since 0.0 s", "problem: pool default: no", "last reload: given up, 5.0 s ago",
                             "pool default: serving; 1 worker; 3 messages wait", "sandbox not complete: landlock",
                             "clamav id=x", "SIGSEGV, 3.0 s ago", "pool old: stopping, of generation 1; 2 workers"}) {
        CAPTURE(part);
        CHECK(text.find(part) != std::string::npos);
    }
}

TEST_CASE("ctl: a trace stands below its worker, and where there is none the reason does") {
    TraceStatus trace;
    trace.worker = {"default/1", 17, "busy", "clamav", "x", 1.5, 4, 0, 0, {}};
    trace.trace = "Stack:\n  here\n";
    CHECK(to_text(trace) == "default/1 (pid 17) busy for 1.5 s: clamav id=x\nStack:\n  here\n");
    trace = {{"default/1", 17, "idle", "", "", 2, 4, 0, 0, {}}, "", "the worker is idle, no filter runs"};
    CHECK(to_text(trace) ==
          "default/1 (pid 17) idle for 2.0 s\nno traceback: the worker is idle, no filter runs\n");
}

TEST_CASE("ctl: a screen shows what fits, in colours, and says what it leaves out") {
    const std::string umlaut = "\xc3\xa4";
    const Lines lines = {{LineKind::title, "one"}, {LineKind::plain, umlaut + umlaut + umlaut}, {LineKind::quiet, ""}};
    CHECK(joined(lines) == "one\n" + umlaut + umlaut + umlaut + "\n\n");
    CHECK(screen_text(lines, 2, 3) == "\033[H\033[1mon\033[0m\033[K\r\n" + umlaut + umlaut +
                                          "\033[0m\033[K\r\n\033[2m\033[0m\033[K\033[J");
    CHECK(screen_text(lines, 80, 2) == "\033[H\033[1mone\033[0m\033[K\r\n\033[4m2 more lines\033[0m\033[K\033[J");
    CHECK(screen_text(lines, 0, 0).find("3") != std::string::npos);
}

TEST_CASE("ctl: a problem of several lines is several lines") {
    ServerStatus status;
    status.problems = {"first\nsecond"};
    const Lines found = to_lines(status);
    REQUIRE(found.size() == 5);
    CHECK(found[3].text == "problem: first");
    CHECK(found[4].text == "second");
    CHECK(found[4].kind == LineKind::warning);
}
