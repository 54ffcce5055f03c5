// Frames: every struct comes back as it was sent, anything else is refused, and a stream may come in any pieces.
#include "message/frames.h"

#include "source_paths.h"

#include <doctest/doctest.h>
#include <fstream>
#include <iterator>

using namespace pythonfilter;

namespace {

std::string payload_of(const std::string& frame) { return frame.substr(sizeof(FrameHeader)); }

std::string header(std::uint32_t length, std::uint16_t type, std::uint16_t zero = 0) {
    const FrameHeader bytes{length, static_cast<FrameType>(type), zero};
    return {reinterpret_cast<const char*>(&bytes), sizeof bytes};
}

std::string name_with_nul() { return {"a\0\n\xff", 4}; }

Task sample_task() {
    Task task;
    task.id = 0x1122334455667788;
    task.filters = {3, 1, 4};
    task.state = {"250 kept", {5, 6}};
    task.expected = Identity{{77, 88}};
    task.facts = MessageFacts{"M2", name_with_nul(), {"", "c@z"}, 2, 1234};
    task.body_path = "/t/D1";
    task.control_paths = {"/t/C1.1", name_with_nul(), ""};
    task.digest_order = DigestOrder{{{1, 2, 3, 4}}, {{{5, 6, 7, 8}}, {{9, 10, 11, 12}}}, true};
    task.place = 15;
    task.offer = 0x0102030405060708;
    task.round = 0x01020304;
    return task;
}

Progress sample_progress() {
    Progress progress;
    progress.task_id = 9;
    progress.finished = 2;
    progress.state = {name_with_nul(), {1}};
    progress.identity = Identity{{1, 2}};
    progress.runs = {{0, 10, 11}, {2, 20, 21}};
    progress.incidents = {{0, FailureEvent::not_a_string, "int"}, {2, FailureEvent::unavailable, ""}};
    progress.removals = {{0, {}, 3}, {2, {"a@y", name_with_nul()}, 2}};
    return progress;
}

Outcome sample_outcome() {
    Outcome outcome;
    outcome.task_id = 10;
    outcome.kind = OutcomeKind::changed;
    outcome.filter = 7;
    outcome.state = {"550 no", {8}};
    outcome.identity = Identity{{3, 4}};
    outcome.runs = {{7, 1, 2}};
    outcome.incidents = {{7, FailureEvent::exit, "SystemExit"}};
    outcome.removals = {{7, {"bob@z"}, 600}};
    outcome.facts = {"M1", "s@x", {"a@y", "b@z"}, 12, 0xffffffffff};
    outcome.facts_hold = true;
    outcome.detail = "control file";
    outcome.retire = "a thread is left";
    outcome.digest = MessageDigest{{1, 2, 3, 4}};
    outcome.pauses = true;
    outcome.notes = {"filter a changed the umask", name_with_nul()};
    return outcome;
}

// Behind its first byte, which says to the fuzzer what it is.
std::string seed(const std::string& name) {
    std::ifstream file(FRAME_SEEDS "/" + name + ".bin", std::ios::binary);
    REQUIRE(file.get() == name[0]);
    return {std::istreambuf_iterator<char>(file), {}};
}

// A decoder takes the payload, and neither a shorter nor a longer one.
template <class Decode>
void check_exact(const std::string& frame, Decode decode) {
    const std::string payload = payload_of(frame);
    CHECK(decode(payload));
    for (std::size_t length = 0; length < payload.size(); ++length) {
        CAPTURE(length);
        CHECK_FALSE(decode(std::string_view(payload).substr(0, length)));
    }
    CHECK_FALSE(decode(payload + '\0'));
}

void check_equal(const ChainState& a, const ChainState& b) {
    CHECK(a.pending_reply == b.pending_reply);
    CHECK(a.bypassed == b.bypassed);
}

void check_equal(const std::vector<FilterRun>& a, const std::vector<FilterRun>& b) {
    REQUIRE(a.size() == b.size());
    for (std::size_t i = 0; i < a.size(); ++i) {
        CHECK(a[i].filter == b[i].filter);
        CHECK(a[i].wall_ns == b[i].wall_ns);
        CHECK(a[i].cpu_ns == b[i].cpu_ns);
    }
}

void check_equal(const std::vector<Incident>& a, const std::vector<Incident>& b) {
    REQUIRE(a.size() == b.size());
    for (std::size_t i = 0; i < a.size(); ++i) {
        CHECK(a[i].filter == b[i].filter);
        CHECK(a[i].event == b[i].event);
        CHECK(a[i].text == b[i].text);
    }
}

void check_equal(const std::vector<Removal>& a, const std::vector<Removal>& b) {
    REQUIRE(a.size() == b.size());
    for (std::size_t i = 0; i < a.size(); ++i) {
        CHECK(a[i].filter == b[i].filter);
        CHECK(a[i].recipients == b[i].recipients);
        CHECK(a[i].count == b[i].count);
    }
}

}  // namespace

TEST_CASE("frames: a task comes back as it was sent") {
    const Task sent = sample_task();
    const auto got = decode_task(payload_of(encode(sent)));
    REQUIRE(got);
    CHECK(got->id == sent.id);
    CHECK(got->filters == sent.filters);
    check_equal(got->state, sent.state);
    CHECK(got->expected == sent.expected);
    REQUIRE(got->facts);
    CHECK(got->facts->id == sent.facts->id);
    CHECK(got->facts->sender == sent.facts->sender);
    CHECK(got->facts->recipients == sent.facts->recipients);
    CHECK(got->facts->recipient_count == sent.facts->recipient_count);
    CHECK(got->facts->size == sent.facts->size);
    CHECK(got->body_path == sent.body_path);
    CHECK(got->control_paths == sent.control_paths);
    REQUIRE(got->digest_order);
    CHECK(got->digest_order->key == sent.digest_order->key);
    CHECK(got->digest_order->refused == sent.digest_order->refused);
    CHECK(got->digest_order->only);
    CHECK(got->place == sent.place);
    CHECK(got->offer == sent.offer);
    CHECK(got->round == sent.round);
}

TEST_CASE("frames: a task without expectations has none afterwards") {
    Task sent = sample_task();
    sent.expected.reset();
    sent.facts.reset();
    sent.digest_order.reset();
    const auto got = decode_task(payload_of(encode(sent)));
    REQUIRE(got);
    CHECK_FALSE(got->expected);
    CHECK_FALSE(got->facts);
    CHECK_FALSE(got->digest_order);
    CHECK(got->body_path == sent.body_path);
}

TEST_CASE("frames: a task tells the facts of a message only if they are few and whole") {
    MessageFacts facts{"M1", "s@x", {"a@y"}, 1, 10};
    CHECK(may_be_told(facts));
    facts.recipient_count = 2;
    CHECK_FALSE(may_be_told(facts));
    facts.recipients.assign(facts.recipient_count = 16, "a@y");
    CHECK(may_be_told(facts));
    facts.recipients.assign(facts.recipient_count = 17, "a@y");
    CHECK_FALSE(may_be_told(facts));
    facts.recipients.assign(facts.recipient_count = 1, std::string(kMaxFactText, 'a'));  // there may have been more
    CHECK_FALSE(may_be_told(facts));
}

TEST_CASE("frames: ready comes back as it was sent") {
    const auto got = decode_ready(payload_of(encode(Ready{{{4, "ImportError"}, {5, name_with_nul()}}, "no seccomp"})));
    REQUIRE(got);
    CHECK(got->sandbox_lacks == "no seccomp");
    REQUIRE(got->failures.size() == 2);
    CHECK(got->failures[0].filter == 4);
    CHECK(got->failures[0].text == "ImportError");
    CHECK(got->failures[1].filter == 5);
    CHECK(got->failures[1].text == name_with_nul());
    CHECK(decode_ready(payload_of(encode(Ready{})))->failures.empty());
}

TEST_CASE("frames: progress comes back as it was sent") {
    const Progress sent = sample_progress();
    const auto got = decode_progress(payload_of(encode(sent)));
    REQUIRE(got);
    CHECK(got->task_id == sent.task_id);
    CHECK(got->finished == sent.finished);
    check_equal(got->state, sent.state);
    CHECK(got->identity == sent.identity);
    check_equal(got->runs, sent.runs);
    check_equal(got->incidents, sent.incidents);
    check_equal(got->removals, sent.removals);
}

TEST_CASE("frames: an outcome comes back as it was sent") {
    const Outcome sent = sample_outcome();
    const auto got = decode_outcome(payload_of(encode(sent)));
    REQUIRE(got);
    CHECK(got->task_id == sent.task_id);
    CHECK(got->kind == sent.kind);
    CHECK(got->filter == sent.filter);
    check_equal(got->state, sent.state);
    CHECK(got->identity == sent.identity);
    check_equal(got->runs, sent.runs);
    check_equal(got->incidents, sent.incidents);
    check_equal(got->removals, sent.removals);
    CHECK(got->facts.id == sent.facts.id);
    CHECK(got->facts.sender == sent.facts.sender);
    CHECK(got->facts.recipients == sent.facts.recipients);
    CHECK(got->facts.recipient_count == sent.facts.recipient_count);
    CHECK(got->facts.size == sent.facts.size);
    CHECK(got->detail == sent.detail);
    CHECK(got->retire == sent.retire);
    CHECK(got->digest == sent.digest);
    CHECK(got->pauses);
    CHECK(got->notes == sent.notes);
}

TEST_CASE("frames: a payload cut anywhere, or one byte longer, is refused") {
    check_exact(encode(sample_task()), decode_task);
    check_exact(encode(Ready{{{1, "x"}}, "y"}), decode_ready);
    check_exact(encode(sample_progress()), decode_progress);
    check_exact(encode(sample_outcome()), decode_outcome);
}

// A seed that the decoder refuses at once would leave the fuzzer to find a whole frame by itself.
TEST_CASE("frames: the seeds of the fuzzer are frames of today") {
    CHECK(decode_task(seed("task")));
    CHECK(decode_task(seed("task_plain")));
    CHECK(decode_ready(seed("ready")));
    CHECK(decode_progress(seed("progress")));
    CHECK(decode_outcome(seed("outcome")));
}

TEST_CASE("frames: a value outside of its enumeration is refused") {
    std::string outcome = payload_of(encode(sample_outcome()));
    outcome[8] = static_cast<char>(OutcomeKind::digested);  // the kind stands behind the task id
    CHECK(decode_outcome(outcome));
    outcome[8] = static_cast<char>(static_cast<int>(OutcomeKind::digested) + 1);
    CHECK_FALSE(decode_outcome(outcome));

    Progress progress;
    progress.incidents = {{0, FailureEvent::unavailable, ""}};
    std::string bytes = payload_of(encode(progress));
    const std::size_t event = bytes.size() - 9;  // before the length of the empty text and the number of removals
    CHECK(bytes[event] == static_cast<char>(FailureEvent::unavailable));
    bytes[event] = kFailureEvents;
    CHECK_FALSE(decode_progress(bytes));
}

TEST_CASE("frames: a flag that is neither 0 nor 1 is refused") {
    Task task;
    task.expected = Identity{};
    std::string bytes = payload_of(encode(task));
    const std::size_t flag = 8 + 4 + 4 + 4;  // behind id, filters and state, which are empty
    CHECK(bytes[flag] == 1);
    bytes[flag] = 2;
    CHECK_FALSE(decode_task(bytes));
}

TEST_CASE("frames: a count that cannot follow costs no memory") {
    std::string bytes = payload_of(encode(Ready{}));
    REQUIRE(bytes.size() == 8);
    CHECK_FALSE(decode_ready("\xff\xff\xff\xff"));
    CHECK_FALSE(decode_ready(std::string("\xff\xff\xff\xff") + std::string(1000, '\0')));
}

TEST_CASE("frames: the header tells type and length") {
    const std::string frame = encode(sample_outcome());
    CHECK(frame.substr(0, 8) == header(static_cast<std::uint32_t>(frame.size() - 8), 4));
    CHECK(encode(sample_task()).substr(4, 2) == header(0, 1).substr(4, 2));
    CHECK(encode(Ready{}) == header(8, 2) + std::string(8, '\0'));
    CHECK(encode(sample_progress()).substr(4, 2) == header(0, 3).substr(4, 2));
}

TEST_CASE("stream: frames come out whole and in order, however they arrive") {
    const std::string progress = encode(sample_progress());
    const std::string bytes = encode(Ready{}) + progress + encode(sample_outcome());
    for (const std::size_t piece : {std::size_t{1}, std::size_t{3}, std::size_t{7}, std::size_t{64}, bytes.size()}) {
        CAPTURE(piece);
        FrameStream stream;
        std::vector<FrameType> types;
        for (std::size_t at = 0; at < bytes.size(); at += piece) {
            stream.append(std::string_view(bytes).substr(at, piece));
            FrameStream::Frame frame;
            FrameStream::Next next;
            while ((next = stream.next(frame)) == FrameStream::Next::frame) {
                types.push_back(frame.type);
                if (frame.type == FrameType::progress) CHECK(frame.payload == payload_of(progress));
            }
            REQUIRE(next == FrameStream::Next::incomplete);
        }
        CHECK(types == std::vector<FrameType>{FrameType::ready, FrameType::progress, FrameType::outcome});
    }
}

TEST_CASE("stream: an empty payload is a frame") {
    FrameStream stream;
    FrameStream::Frame frame{};
    stream.append(header(0, 2));
    REQUIRE(stream.next(frame) == FrameStream::Next::frame);
    CHECK(frame.payload.empty());
    CHECK(stream.next(frame) == FrameStream::Next::incomplete);
}

TEST_CASE("stream: a bad header is seen before its payload has come") {
    for (const std::string& bad : {header(1, 0), header(1, 5), header(1, 0xffff), header(1, 2, 1),
                                   header(kMaxFrame + 1, 4), header(0xffffffff, 4), header(0xfffffff8, 4)}) {
        FrameStream stream;
        FrameStream::Frame frame{};
        stream.append(bad);
        CHECK(stream.next(frame) == FrameStream::Next::bad);
    }
}

TEST_CASE("stream: the longest frame is taken") {
    FrameStream stream;
    FrameStream::Frame frame{};
    stream.append(header(kMaxFrame, 4));
    stream.append(std::string(kMaxFrame - 1, 'x'));
    CHECK(stream.next(frame) == FrameStream::Next::incomplete);
    stream.append("x");
    REQUIRE(stream.next(frame) == FrameStream::Next::frame);
    CHECK(frame.payload.size() == kMaxFrame);
}

TEST_CASE("stream: a bad header behind a good frame is found after it") {
    FrameStream stream;
    FrameStream::Frame frame{};
    stream.append(encode(Ready{}) + "garbage!");
    CHECK(stream.next(frame) == FrameStream::Next::frame);
    CHECK(stream.next(frame) == FrameStream::Next::bad);
}
