// The packets between master and zygote: every struct comes back as it was sent, anything else is refused.
#include "message/zygote_protocol.h"

#include <doctest/doctest.h>

using namespace pythonfilter;

namespace {

ZygoteSpec sample_spec() {
    ZygoteSpec spec;
    spec.pool = "scanners";
    spec.preload = false;
    spec.python_dir = "/usr/lib/pythonfilter/python";
    spec.filter_path = {"/etc/courier/pythonfilter.d", ""};
    spec.sandbox = {.guard = true, .network = NetworkAccess::unix_only, .exec = false, .limit_read = true,
                    .limit_write = true, .read = {"/etc"}, .write = {"/a", ""}, .required = true, .settings = "/s",
                    .spool = "/spool", .protected_pids = {7, -1}};
    spec.filters = {{2, "clamav", {4, 5}, true, 0x41, ""},
                    {7, "my-filters.spam", {}, false, 0, "its import ended the zygote"},
                    {9, "x", {}, true, 0xff, std::string("\0\xff", 2)}};
    spec.config_file = "/etc/courier/pythonfilter.yaml";
    spec.limits.memory = ByteSize{1 << 30};
    spec.limits.files = 128;
    spec.nice = 5;
    spec.slow_after = 7s;
    spec.settings = {{"clamav.py", {{"socket", {{"/run/clamd"}, 12}}}}, {"ttldb", {}}};
    return spec;
}

ZygoteReport sample_report() {
    ZygoteReport report;
    report.kind = ZygoteReport::Kind::exited;
    report.slot = 12;
    report.pid = 4242;
    report.status = -1;
    report.took = 3ms;
    report.text = std::string("why\0not", 7);
    report.failures = {{3, "ImportError"}, {4, ""}};
    return report;
}

template <class Decode>
void check_exact(const std::string& packet, Decode decode) {
    CHECK(decode(packet));
    for (std::size_t length = 0; length < packet.size(); ++length) {
        CAPTURE(length);
        CHECK_FALSE(decode(std::string_view(packet).substr(0, length)));
    }
    CHECK_FALSE(decode(packet + '\0'));
}

}  // namespace

TEST_CASE("zygote protocol: a spec comes back as it was sent") {
    const ZygoteSpec sent = sample_spec();
    const auto got = decode_spec(encode(sent));
    REQUIRE(got);
    CHECK(got->pool == sent.pool);
    CHECK(got->limits == sent.limits);
    CHECK(got->nice == sent.nice);
    CHECK(got->slow_after == sent.slow_after);
    CHECK(got->preload == sent.preload);
    CHECK(got->python_dir == sent.python_dir);
    CHECK(got->filter_path == sent.filter_path);
    CHECK(got->sandbox == sent.sandbox);
    CHECK(got->config_file == sent.config_file);
    REQUIRE(got->settings.size() == 2);
    CHECK(to_text(got->settings.at("clamav.py").at("socket").value) == "\"/run/clamd\"");
    CHECK(got->settings.at("clamav.py").at("socket").line == 12);
    REQUIRE(got->filters.size() == sent.filters.size());
    for (std::size_t i = 0; i < sent.filters.size(); ++i) {
        CAPTURE(i);
        CHECK(got->filters[i].index == sent.filters[i].index);
        CHECK(got->filters[i].name == sent.filters[i].name);
        CHECK(got->filters[i].bypasses == sent.filters[i].bypasses);
        CHECK(got->filters[i].has_bypass == sent.filters[i].has_bypass);
        CHECK(got->filters[i].skip_events == sent.filters[i].skip_events);
        CHECK(got->filters[i].given_up == sent.filters[i].given_up);
    }
}

TEST_CASE("zygote protocol: preload comes back both ways") {
    ZygoteSpec spec;
    CHECK(decode_spec(encode(spec))->preload);
    spec.preload = false;
    CHECK_FALSE(decode_spec(encode(spec))->preload);
}

TEST_CASE("zygote protocol: a fork request comes back as it was sent") {
    const auto got = decode_fork(encode(ForkRequest{0xfffffffe, 3}));
    REQUIRE(got);
    CHECK(got->slot == 0xfffffffe);
    CHECK(got->worker == 3);
}

TEST_CASE("zygote protocol: an order comes back as it was sent, and is no fork request") {
    const auto got = decode_slow(encode(SlowOrder{0xfffffffe}));
    REQUIRE(got);
    CHECK(got->slot == 0xfffffffe);
    CHECK_FALSE(decode_fork(encode(SlowOrder{1})));
    CHECK_FALSE(decode_slow(encode(ForkRequest{1, 2})));
}

TEST_CASE("zygote protocol: a report comes back as it was sent") {
    const ZygoteReport sent = sample_report();
    const auto got = decode_report(encode(sent));
    REQUIRE(got);
    CHECK(got->kind == sent.kind);
    CHECK(got->slot == sent.slot);
    CHECK(got->pid == sent.pid);
    CHECK(got->status == sent.status);
    CHECK(got->took == sent.took);
    CHECK(got->text == sent.text);
    REQUIRE(got->failures.size() == 2);
    CHECK(got->failures[0].filter == 3);
    CHECK(got->failures[0].text == "ImportError");
    CHECK(got->failures[1].filter == 4);
}

TEST_CASE("zygote protocol: every kind of report is known, the next number is not") {
    using Kind = ZygoteReport::Kind;
    for (const Kind kind :
         {Kind::hello, Kind::imported, Kind::tainted, Kind::forked, Kind::fork_failed, Kind::exited, Kind::importing}) {
        ZygoteReport report;
        report.kind = kind;
        REQUIRE(decode_report(encode(report)));
        CHECK(decode_report(encode(report))->kind == kind);
    }
    std::string packet = encode(ZygoteReport{});
    packet[0] = static_cast<char>(static_cast<int>(Kind::importing) + 1);
    CHECK_FALSE(decode_report(packet));
}

TEST_CASE("zygote protocol: a packet cut anywhere, or one byte longer, is refused") {
    check_exact(encode(sample_spec()), decode_spec);
    check_exact(encode(ForkRequest{1, 2}), decode_fork);
    check_exact(encode(SlowOrder{3}), decode_slow);
    check_exact(encode(sample_report()), decode_report);
}

TEST_CASE("zygote protocol: a flag that is neither 0 nor 1 is refused") {
    std::string packet = encode(ZygoteSpec{});
    CHECK(packet[4] == 1);  // preload, behind the empty name of the pool
    packet[4] = 2;
    CHECK_FALSE(decode_spec(packet));
    ZygoteSpec spec;
    spec.filters.resize(1);
    packet = encode(spec);
    packet[packet.size() - 2] = 3;  // has_bypass, before skip_events
    CHECK_FALSE(decode_spec(packet));
}

TEST_CASE("zygote protocol: bit n of skip_events is failure event n") {
    FilterSpec filter;
    filter.skip_events = 1u << static_cast<unsigned>(FailureEvent::bad_reply);
    for (int event = 0; event < kFailureEvents; ++event) {
        const auto value = static_cast<FailureEvent>(event);
        CHECK(filter.skips(value) == (value == FailureEvent::bad_reply));
    }
}
