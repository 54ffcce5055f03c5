// The lines about a message: the form that sites grep for, and that nothing in an address or a reply can break it.
#include "master/message_log.h"

#include "base/log.h"

#include <algorithm>
#include <doctest/doctest.h>

using namespace pythonfilter;

namespace {

const FilterNames names{"whitelist_auth", "clamav", "attachments"};

MessageRecord accepted() {
    MessageRecord record;
    record.facts = {"000000000010641D.000000006B02BEEE.00004104", "bob@mail.test", {"ann@x", "cid@y"}, 2, 2345};
    record.body_path = "/var/lib/courier/tmp/179534/D1074319";
    record.reply = "200 Ok\n";
    record.runs = {{0, 1500000, 1000000}, {1, 20000000, 250000}};
    record.worker = "default/3";
    record.queue_wait = 2ms;
    record.total = 25ms;
    return record;
}

MessageRecord refused() {
    MessageRecord record = accepted();
    record.reply = "550-no\n550 never\n";
    record.decided_by = "clamav";
    return record;
}

// What a hostile client or control file can put into a record.
MessageRecord hostile() {
    MessageRecord record = refused();
    record.facts.id = std::string(2048, '\n');
    record.facts.sender = std::string(2048, '\x80');
    record.facts.recipients.assign(500, std::string(2048, '>'));
    record.facts.recipient_count = 0xffffffff;
    static const std::string path(256 * 1024, '\x1b');
    record.body_path = path;
    return record;
}

}  // namespace

TEST_CASE("message line: one for an accepted message") {
    CHECK(message_line(accepted(), names) ==
          "message id=000000000010641D.000000006B02BEEE.00004104 from=<bob@mail.test> to=<ann@x>,<cid@y> size=2345 "
          "verdict=accept total=25.000ms wait=2.000ms worker=default/3 "
          "filters=whitelist_auth:1.500ms/1.000ms,clamav:20.000ms/0.250ms");
}

TEST_CASE("message line: who decided, and why when it was the server") {
    CHECK(message_line(refused(), names).find(" verdict=reject by=clamav total=") != std::string::npos);
    MessageRecord record = accepted();
    record.reply = "451 4.3.2 busy\n";
    record.reason = "queue \"full\"\n";
    const auto found = message_line(record, names).find(" verdict=defer reason=\"queue \\x22full\\x22\\x0a\" total=");
    CHECK(found != std::string::npos);
}

TEST_CASE("message line: one that reached no worker is named by its path") {
    MessageRecord record;
    record.body_path = "/tmp/D 1";
    record.reply = "451 4.3.2 busy\n";
    CHECK(message_line(record, names) ==
          "message id=/tmp/D\\x201 from=<> to= size=0 verdict=defer total=0.000ms wait=0.000ms filters=");
}

TEST_CASE("message line: hostile addresses stay inside their brackets") {
    MessageRecord record = accepted();
    record.facts.sender = "a> verdict=accept <b\n\x1b\xff";
    record.facts.recipients = {"x>,<y", "\\"};
    const std::string line = message_line(record, names);
    CHECK(line.find(" from=<a\\x3e\\x20verdict=accept\\x20\\x3cb\\x0a\\x1b\\xff> to=<x\\x3e,\\x3cy>,<\\\\> size=") !=
          std::string::npos);
}

TEST_CASE("message line: recipients beyond the room are counted") {
    MessageRecord record = accepted();
    record.facts.recipients.assign(400, std::string(40, 'r') + "@x.test");
    record.facts.recipient_count = 1000;
    const std::string line = message_line(record, names);
    const auto more = line.find("+");
    REQUIRE(more != std::string::npos);
    const std::string before = line.substr(0, more);
    const auto shown = std::count(before.begin(), before.end(), '@') - 1;  // one is the sender
    CHECK(line.find("+" + std::to_string(1000 - shown) + " more size=") != std::string::npos);
    CHECK(shown > 20);
    CHECK(line.size() < kMaxLogLine);
}

TEST_CASE("message line: a run of a filter that nobody knows does no harm") {
    MessageRecord record = accepted();
    record.runs = {{0xffffffff, 1000000, 0}};
    CHECK(message_line(record, names).ends_with(" filters=?:1.000ms/0.000ms"));
}

TEST_CASE("message line: whatever the record holds, the verdict and its filter fit into the log line") {
    MessageRecord record = hostile();
    for (const std::string& id : {record.facts.id, std::string()}) {
        record.facts.id = id;
        const std::string line = format_line(LogLevel::info, message_line(record, names));
        CHECK(line.find(" verdict=reject by=clamav total=") != std::string::npos);
        CHECK(line.find(" worker=default/3 ") != std::string::npos);
    }
}

TEST_CASE("message line: how many recipients filters removed, and that none is left") {
    MessageRecord record = accepted();
    record.removed = 3;
    CHECK(message_line(record, names).find(" to=<ann@x>,<cid@y> size=2345 removed=3 verdict=accept ") !=
          std::string::npos);
    record.facts.recipients.clear();
    record.facts.recipient_count = 0;
    CHECK(message_line(record, names).find(" to= size=2345 removed=3(all) verdict=accept ") != std::string::npos);
}

TEST_CASE("removal lines: message, filter and recipient, one line each") {
    const std::string head = "message id=000000000010641D.000000006B02BEEE.00004104 filter=";
    CHECK(removal_lines(accepted(), {{0, {"bob@example.net", "a> b\n"}, 2}, {2, {}, 5}, {9, {"x"}, 4}}, names) ==
          std::vector<std::string>{head + "whitelist_auth removed recipient <bob@example.net>",
                                   head + "whitelist_auth removed recipient <a\\x3e\\x20b\\x0a>",
                                   head + "attachments removed 5 more recipients",
                                   head + "? removed recipient <x>", head + "? removed and 3 more recipients"});
    CHECK(removal_lines(accepted(), {}, names).empty());
}

TEST_CASE("removal lines: over all stages at most as many as are logged, then their number") {
    MessageRecord record = accepted();
    const std::vector<Removal> removals{{0, {kMaxLoggedRecipients, std::string(2048, '<')}, 0xffffffff}};
    CHECK(removal_lines(record, removals, names).size() == kMaxLoggedRecipients + 1);
    record.removed = kMaxLoggedRecipients - 1;
    const auto lines = removal_lines(record, removals, names);
    REQUIRE(lines.size() == 2);
    CHECK(lines[1].ends_with(" removed and 4294967294 more recipients"));
    CHECK(format_line(LogLevel::info, lines[0]).ends_with("...>\n"));
    record.removed = 0xffffffff;
    CHECK(removal_lines(record, removals, names).size() == 1);
}

TEST_CASE("refusal lines: none for an accepted message") {
    CHECK(refusal_lines(accepted()).empty());
    MessageRecord record = accepted();
    record.reply = "050 done\n";
    CHECK(refusal_lines(record).empty());
}

TEST_CASE("refusal lines: one for each open recipient, a reply of several lines on one") {
    CHECK(refusal_lines(refused()) == std::vector<std::string>{
        "pythonfilter clamav reject,from=<bob@mail.test>,addr=<ann@x>: 550-no / 550 never",
        "pythonfilter clamav reject,from=<bob@mail.test>,addr=<cid@y>: 550-no / 550 never"});
}

TEST_CASE("refusal lines: a refusal of the server's own names no filter") {
    MessageRecord record = refused();
    record.decided_by.clear();
    record.reply = "451 4.3.2 busy\n";
    record.facts.sender.clear();
    record.facts.recipients = {"ann@x"};
    record.facts.recipient_count = 1;
    CHECK(refusal_lines(record) ==
          std::vector<std::string>{"pythonfilter - reject,from=<>,addr=<ann@x>: 451 4.3.2 busy"});
}

TEST_CASE("refusal lines: recipients that are not listed are counted") {
    MessageRecord record = refused();
    record.facts.recipient_count = 7;
    const auto lines = refusal_lines(record);
    REQUIRE(lines.size() == 3);
    CHECK(lines[2] == "pythonfilter clamav reject,from=<bob@mail.test>,addr=<5 more recipients>: 550-no / 550 never");
    record.facts.recipient_count = 0;  // a worker's lie
    CHECK(refusal_lines(record).size() == 2);
}

TEST_CASE("refusal lines: whatever the record holds, the reply's code fits into the log line") {
    for (const std::string& line : refusal_lines(hostile())) {
        REQUIRE(format_line(LogLevel::info, line).find(">: 550-no / 550 never") != std::string::npos);
    }
}

TEST_CASE("accounting line: total and each filter in seconds of CPU time") {
    CHECK(accounting_line(accepted(), names) ==
          "CPU TIME ACCOUNTING: 000000000010641D.000000006B02BEEE.00004104 processed with 0.001250 seconds: "
          "(whitelist_auth(0.001000) clamav(0.000250))");
}

TEST_CASE("accounting line: also for a message that no filter saw") {
    MessageRecord record;
    record.body_path = "/tmp/D1\n";
    CHECK(accounting_line(record, names) == "CPU TIME ACCOUNTING: /tmp/D1\\x0a processed with 0.000000 seconds: ()");
}

TEST_CASE("accounting line: a filter with two hooks stands there twice") {
    MessageRecord record = accepted();
    record.runs = {{2, 0, 1000}, {2, 0, 2000}};
    CHECK(accounting_line(record, names).ends_with(
        " processed with 0.000003 seconds: (attachments(0.000001) attachments(0.000002))"));
}
