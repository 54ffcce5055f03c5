#include "message/frames.h"

namespace pythonfilter {
namespace {

std::string frame(FrameType type, ByteWriter writer) {
    std::string bytes = writer.take();
    const FrameHeader header{static_cast<std::uint32_t>(bytes.size() - sizeof(FrameHeader)), type, 0};
    std::memcpy(bytes.data(), &header, sizeof header);
    return bytes;
}

ByteWriter start_frame() {
    ByteWriter writer;
    writer.raw().reserve(512);  // more than most have
    writer.raw().resize(sizeof(FrameHeader));
    return writer;
}

void put(ByteWriter& out, const std::vector<std::uint32_t>& list) {
    out.put(static_cast<std::uint32_t>(list.size()));
    for (const auto value : list) out.put(value);
}

std::vector<std::uint32_t> get_list(ByteReader& in) {
    std::vector<std::uint32_t> list(in.get_count(sizeof(std::uint32_t)));
    for (auto& value : list) value = in.get<std::uint32_t>();
    return list;
}

void put(ByteWriter& out, const std::vector<std::string>& list) {
    out.put(static_cast<std::uint32_t>(list.size()));
    for (const auto& text : list) out.put_string(text);
}

std::vector<std::string> get_strings(ByteReader& in) {
    std::vector<std::string> list(in.get_count(sizeof(std::uint32_t)));
    for (auto& text : list) text = in.get_string();
    return list;
}

void put(ByteWriter& out, const ChainState& state) {
    out.put_string(state.pending_reply);
    put(out, state.bypassed);
}

ChainState get_state(ByteReader& in) {
    ChainState state;
    state.pending_reply = in.get_string();
    state.bypassed = get_list(in);
    return state;
}

void put(ByteWriter& out, const Identity& identity) {
    for (const auto value : identity.digest) out.put(value);
}

Identity get_identity(ByteReader& in) {
    Identity identity;
    for (auto& value : identity.digest) value = in.get<std::uint64_t>();
    return identity;
}

template <class Words>
void put_words(ByteWriter& out, const Words& value) {
    for (const auto word : value.words) out.put(word);
}

template <class Words>
Words get_words(ByteReader& in) {
    Words value;
    for (auto& word : value.words) word = in.get<std::uint64_t>();
    return value;
}

void put(ByteWriter& out, const DigestOrder& order) {
    put_words(out, order.key);
    out.put(static_cast<std::uint32_t>(order.refused.size()));
    for (const auto& digest : order.refused) put_words(out, digest);
    out.put_bool(order.only);
}

DigestOrder get_digest_order(ByteReader& in) {
    DigestOrder order;
    order.key = get_words<DigestKey>(in);
    order.refused.resize(in.get_count(sizeof(MessageDigest)));
    for (auto& digest : order.refused) digest = get_words<MessageDigest>(in);
    order.only = in.get_bool();
    return order;
}

void put(ByteWriter& out, const MessageFacts& facts) {
    out.put_string(facts.id);
    out.put_string(facts.sender);
    put(out, facts.recipients);
    out.put(facts.recipient_count);
    out.put(facts.size);
}

void get_facts(ByteReader& in, MessageFacts& facts) {
    facts.id = in.get_string();
    facts.sender = in.get_string();
    facts.recipients = get_strings(in);
    facts.recipient_count = in.get<std::uint32_t>();
    facts.size = in.get<std::uint64_t>();
}

void put(ByteWriter& out, const std::vector<FilterRun>& runs) {
    out.put(static_cast<std::uint32_t>(runs.size()));
    for (const auto& run : runs) {
        out.put(run.filter);
        out.put(run.wall_ns);
        out.put(run.cpu_ns);
    }
}

std::vector<FilterRun> get_runs(ByteReader& in) {
    std::vector<FilterRun> runs(in.get_count(20));
    for (auto& run : runs) {
        run.filter = in.get<std::uint32_t>();
        run.wall_ns = in.get<std::uint64_t>();
        run.cpu_ns = in.get<std::uint64_t>();
    }
    return runs;
}

void put(ByteWriter& out, const std::vector<Incident>& incidents) {
    out.put(static_cast<std::uint32_t>(incidents.size()));
    for (const auto& incident : incidents) {
        out.put(incident.filter);
        out.put(static_cast<std::uint8_t>(incident.event));
        out.put_string(incident.text);
    }
}

std::vector<Incident> get_incidents(ByteReader& in) {
    std::vector<Incident> incidents(in.get_count(9));
    for (auto& incident : incidents) {
        incident.filter = in.get<std::uint32_t>();
        incident.event = in.get_enum(FailureEvent::unavailable);
        incident.text = in.get_string();
    }
    return incidents;
}

void put(ByteWriter& out, const std::vector<Removal>& removals) {
    out.put(static_cast<std::uint32_t>(removals.size()));
    for (const auto& removal : removals) {
        out.put(removal.filter);
        put(out, removal.recipients);
        out.put(removal.count);
    }
}

std::vector<Removal> get_removals(ByteReader& in) {
    std::vector<Removal> removals(in.get_count(12));
    for (auto& removal : removals) {
        removal.filter = in.get<std::uint32_t>();
        removal.recipients = get_strings(in);
        removal.count = in.get<std::uint32_t>();
    }
    return removals;
}

// `fill` is given the value where it is returned: an outcome is large to move.
template <class T, class Fill>
std::optional<T> decode(std::string_view payload, Fill fill) {
    std::optional<T> value(std::in_place);
    ByteReader in(payload);
    fill(in, *value);
    if (!in.finished()) value.reset();
    return value;
}

}  // namespace

bool may_be_told(const MessageFacts& facts) {
    constexpr std::size_t kFew = 16;
    if (facts.recipients.size() != facts.recipient_count || facts.recipients.size() > kFew) return false;
    std::size_t bytes = facts.id.size() + facts.sender.size();
    for (const std::string& recipient : facts.recipients) bytes += recipient.size();
    return bytes < kMaxFactText;
}

std::string encode(const Task& task) {
    ByteWriter out = start_frame();
    out.put(task.id);
    put(out, task.filters);
    put(out, task.state);
    out.put_bool(task.expected.has_value());
    if (task.expected) put(out, *task.expected);
    out.put_bool(task.facts.has_value());
    if (task.facts) put(out, *task.facts);
    out.put_string(task.body_path);
    put(out, task.control_paths);
    out.put_bool(task.digest_order.has_value());
    if (task.digest_order) put(out, *task.digest_order);
    out.put(task.place);
    out.put(task.offer);
    out.put(task.round);
    return frame(FrameType::task, std::move(out));
}

std::optional<Task> decode_task(std::string_view payload) {
    return decode<Task>(payload, [](ByteReader& in, Task& task) {
        task.id = in.get<std::uint64_t>();
        task.filters = get_list(in);
        task.state = get_state(in);
        if (in.get_bool()) task.expected = get_identity(in);
        if (in.get_bool()) get_facts(in, task.facts.emplace());
        task.body_path = in.get_string();
        task.control_paths = get_strings(in);
        if (in.get_bool()) task.digest_order = get_digest_order(in);
        task.place = in.get<std::uint8_t>();
        task.offer = in.get<std::uint64_t>();
        task.round = in.get<std::uint32_t>();
    });
}

std::string encode(const Ready& ready) {
    ByteWriter out = start_frame();
    out.put(static_cast<std::uint32_t>(ready.failures.size()));
    for (const auto& failure : ready.failures) {
        out.put(failure.filter);
        out.put_string(failure.text);
    }
    out.put_string(ready.sandbox_lacks);
    return frame(FrameType::ready, std::move(out));
}

std::optional<Ready> decode_ready(std::string_view payload) {
    return decode<Ready>(payload, [](ByteReader& in, Ready& ready) {
        ready.failures.resize(in.get_count(8));
        for (auto& failure : ready.failures) {
            failure.filter = in.get<std::uint32_t>();
            failure.text = in.get_string();
        }
        ready.sandbox_lacks = in.get_string();
    });
}

std::string encode(const Progress& progress) {
    ByteWriter out = start_frame();
    out.put(progress.task_id);
    out.put(progress.finished);
    put(out, progress.state);
    put(out, progress.identity);
    put(out, progress.runs);
    put(out, progress.incidents);
    put(out, progress.removals);
    return frame(FrameType::progress, std::move(out));
}

std::optional<Progress> decode_progress(std::string_view payload) {
    return decode<Progress>(payload, [](ByteReader& in, Progress& progress) {
        progress.task_id = in.get<std::uint64_t>();
        progress.finished = in.get<std::uint32_t>();
        progress.state = get_state(in);
        progress.identity = get_identity(in);
        progress.runs = get_runs(in);
        progress.incidents = get_incidents(in);
        progress.removals = get_removals(in);
    });
}

std::string encode(const Outcome& outcome) {
    ByteWriter out = start_frame();
    out.put(outcome.task_id);
    out.put(static_cast<std::uint8_t>(outcome.kind));
    out.put(outcome.filter);
    put(out, outcome.state);
    put(out, outcome.identity);
    put(out, outcome.runs);
    put(out, outcome.incidents);
    put(out, outcome.removals);
    put(out, outcome.facts);
    out.put_bool(outcome.facts_hold);
    out.put_string(outcome.detail);
    out.put_string(outcome.retire);
    out.put_bool(outcome.digest.has_value());
    if (outcome.digest) put_words(out, *outcome.digest);
    out.put_bool(outcome.pauses);
    put(out, outcome.notes);
    return frame(FrameType::outcome, std::move(out));
}

std::optional<Outcome> decode_outcome(std::string_view payload) {
    return decode<Outcome>(payload, [](ByteReader& in, Outcome& outcome) {
        outcome.task_id = in.get<std::uint64_t>();
        outcome.kind = in.get_enum(OutcomeKind::digested);
        outcome.filter = in.get<std::uint32_t>();
        outcome.state = get_state(in);
        outcome.identity = get_identity(in);
        outcome.runs = get_runs(in);
        outcome.incidents = get_incidents(in);
        outcome.removals = get_removals(in);
        get_facts(in, outcome.facts);
        outcome.facts_hold = in.get_bool();
        outcome.detail = in.get_string();
        outcome.retire = in.get_string();
        if (in.get_bool()) outcome.digest = get_words<MessageDigest>(in);
        outcome.pauses = in.get_bool();
        outcome.notes = get_strings(in);
    });
}

void FrameStream::append(std::string_view bytes) {
    bytes_.erase(0, taken_);
    taken_ = 0;
    bytes_.append(bytes);
}

FrameStream::Next FrameStream::next(Frame& frame) {
    const std::string_view rest = std::string_view(bytes_).substr(taken_);
    if (rest.size() < sizeof(FrameHeader)) return Next::incomplete;
    FrameHeader header;
    std::memcpy(&header, rest.data(), sizeof header);
    const auto type = static_cast<std::uint16_t>(header.type);
    if (header.length > kMaxFrame || header.zero != 0 || type < 1 || type > 4) return Next::bad;
    if (rest.size() - sizeof header < header.length) return Next::incomplete;
    frame = {header.type, rest.substr(sizeof header, header.length)};
    taken_ += sizeof header + header.length;
    return Next::frame;
}

}  // namespace pythonfilter
