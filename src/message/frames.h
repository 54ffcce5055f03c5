// The frames that go to and fro between master and worker (frame_ring.h), for both ends. A frame is a FrameHeader and
// a payload; structs are written and read by matching encode/decode pairs, and a decoder refuses what does not end
// exactly where it should. To the master every byte from a worker is hostile: lengths are bounded here, the caller
// checks the meaning.
//
//   master -> worker   task
//   worker -> master   ready (once), then for each task any number of progress and one outcome
#pragma once

#include "base/byte_buffer.h"
#include "config/policy.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pythonfilter {

enum class FrameType : std::uint16_t { task = 1, ready = 2, progress = 3, outcome = 4 };

struct FrameHeader {
    std::uint32_t length;  // of the payload, at most kMaxFrame
    FrameType type;
    std::uint16_t zero;
};
static_assert(sizeof(FrameHeader) == 8);

inline constexpr std::size_t kMaxFrame = 512 * 1024;

/// Which files a message consists of at a moment: a digest of device, inode, size, mtime and ctime of the body and of
/// every control file. Equal identities mean that nobody changed, replaced or reused them.
struct Identity {
    std::array<std::uint64_t, 2> digest{};
    bool operator==(const Identity&) const = default;
};

/// What the chain has decided so far: travels with the message from filter to filter and from stage to stage.
struct ChainState {
    std::string pending_reply;           // of the last filter that ran; '' = no decision
    std::vector<std::uint32_t> bypassed; // chain indexes of filters that a `for` switched off
};

/// The secret of one server; random.
struct DigestKey {
    std::array<std::uint64_t, 4> words{};
    bool operator==(const DigestKey&) const = default;
};

/// By which a message is known again when its client sends it once more.
struct MessageDigest {
    std::array<std::uint64_t, 4> words{};
    bool operator==(const MessageDigest&) const = default;
};

/// Goes with a task when the digest of its message is of interest.
struct DigestOrder {
    DigestKey key;
    std::vector<MessageDigest> refused;  // a message with one of them is not run: the outcome is `poisoned`
    bool only = false;                   // no filter runs: the outcome is `digested`
};

/// What the log says of a message; read from the control files by the worker.
struct MessageFacts {
    std::string id;                       // M record
    std::string sender;                   // s record, raw bytes
    std::vector<std::string> recipients;  // open ones after the last filter, raw bytes, at most kMaxLoggedRecipients
    std::uint32_t recipient_count = 0;    // all open ones: >= recipients.size()
    std::uint64_t size = 0;               // bytes of the body file
};
inline constexpr std::size_t kMaxLoggedRecipients = 500;
inline constexpr std::size_t kMaxFactText = 2 * 1024;  // bytes of each of them; the rest is cut off

/// Whether a task may tell them: nothing was left out or cut off, and to send them costs less than to read them again.
bool may_be_told(const MessageFacts& facts);

struct Task {
    std::uint64_t id = 0;
    std::vector<std::uint32_t> filters;  // chain indexes to run, in order; all belong to this worker's pool
    ChainState state;
    std::optional<Identity> expected;    // the files must still be these; otherwise the outcome is `changed`
    std::optional<MessageFacts> facts;   // what an earlier stage has read there; to be trusted as far as `state`
    std::string body_path;
    std::vector<std::string> control_paths;
    std::optional<DigestOrder> digest_order;
    std::uint8_t place = 0;              // where the scoreboard offers it,
    std::uint64_t offer = 0;             // and under which number: a task that was taken back may come again
    std::uint32_t round = 0;             // how often the worker has paused, as far as its master knew
};

/// One filter that ran.
struct FilterRun {
    std::uint32_t filter = 0;  // chain index
    std::uint64_t wall_ns = 0;
    std::uint64_t cpu_ns = 0;  // user + system of the thread
};

/// One failure of a filter inside a worker that lives on.
struct Incident {
    std::uint32_t filter = 0;  // chain index
    FailureEvent event = FailureEvent::exception;
    std::string text;  // exception, traceback or the bad reply; raw, at most kMaxIncidentText bytes
};
inline constexpr std::size_t kMaxIncidentText = 8 * 1024;

/// Recipients that were open before a filter and are not after it.
struct Removal {
    std::uint32_t filter = 0;             // chain index
    std::vector<std::string> recipients;  // raw bytes; at most kMaxLoggedRecipients in all removals of one frame
    std::uint32_t count = 0;              // all of them: >= recipients.size(), >= 1
};

/// The worker can serve. Filters whose init_filter (or import, when it happens in the worker) failed are listed; the
/// worker treats them as unavailable.
struct Ready {
    struct Failure {
        std::uint32_t filter = 0;  // chain index
        std::string text;          // exception and traceback, raw
    };
    std::vector<Failure> failures;
    std::string sandbox_lacks;     // what the kernel could not do of the pool's sandbox; '' = nothing
};

/// After a filter that decided something or changed a file: from here a replacement can go on.
struct Progress {
    std::uint64_t task_id = 0;
    std::uint32_t finished = 0;  // chain index of the filter that has just finished
    ChainState state;
    Identity identity;
    std::vector<FilterRun> runs;  // all of this task so far
    std::vector<Incident> incidents;
    std::vector<Removal> removals;  // one for each filter that removed recipients
};

inline constexpr std::size_t kMaxNotes = 16;
inline constexpr std::size_t kMaxNote = 1024;

enum class OutcomeKind : std::uint8_t {
    finished,  // the whole stage ran: state goes to the next stage
    decided,   // `filter` ended the chain with state.pending_reply
    failed,    // `filter` failed and its policy is not skip: the last incident says how
    gone,      // the files are not there, or the body's name does not belong to the control file
    changed,   // the files are not the expected ones
    poisoned,  // its digest is one of those refused
    digested,  // the digest was all that was asked for
};

struct Outcome {
    std::uint64_t task_id = 0;
    OutcomeKind kind = OutcomeKind::finished;
    std::uint32_t filter = 0;  // chain index; for decided and failed
    ChainState state;
    Identity identity;         // of the files after the last filter: the next stage expects them
    std::vector<FilterRun> runs;
    std::vector<Incident> incidents;
    std::vector<Removal> removals;
    MessageFacts facts;        // without an id: as the task says
    bool facts_hold = false;   // they were read of these files, which no filter of this stage changed
    std::string detail;        // for gone and changed: which file, and how; why there is no digest
    std::string retire;        // why this worker must serve no further message; empty: it may. <= kMaxRetireText
    std::optional<MessageDigest> digest;  // for poisoned and digested
    bool pauses = false;       // the worker begins nothing that was sent before the master has this outcome
    std::vector<std::string> notes;  // for the log: what filters left behind; at most kMaxNotes of kMaxNote bytes, raw
};
inline constexpr std::size_t kMaxRetireText = 1024;

std::string encode(const Task& task);
std::string encode(const Ready& ready);
std::string encode(const Progress& progress);
std::string encode(const Outcome& outcome);

/// nullopt when the payload is not exactly such a struct.
std::optional<Task> decode_task(std::string_view payload);
std::optional<Ready> decode_ready(std::string_view payload);
std::optional<Progress> decode_progress(std::string_view payload);
std::optional<Outcome> decode_outcome(std::string_view payload);

/// Takes frames out of a stream of bytes that arrive in any pieces.
class FrameStream {
public:
    struct Frame {
        FrameType type;
        std::string_view payload;  // valid until the next call of append()
    };
    enum class Next { frame, incomplete, bad };

    void append(std::string_view bytes);
    /// Takes the next whole frame. After `bad` (unknown type, too long, non-zero padding) the stream is unusable.
    Next next(Frame& frame);
    /// All that came has been taken.
    bool empty() const { return taken_ == bytes_.size(); }

private:
    std::string bytes_;
    std::size_t taken_ = 0;  // <= bytes_.size()
};

}  // namespace pythonfilter
