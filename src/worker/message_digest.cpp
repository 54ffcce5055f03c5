#include "worker/message_digest.h"

#include "message/header_split.h"

#include <cerrno>
#include <sodium.h>
#include <string>
#include <unistd.h>

namespace pythonfilter {
namespace {

constexpr std::size_t kMaxHeader = 256 * 1024;  // the body of a message with a longer one is not looked for
constexpr std::size_t kChunk = 64 * 1024;

static_assert(sizeof(DigestKey) == crypto_generichash_KEYBYTES);
static_assert(sizeof(MessageDigest) == crypto_generichash_BYTES);

class Hash {
public:
    explicit Hash(const DigestKey& key) {
        crypto_generichash_init(&state_, reinterpret_cast<const unsigned char*>(key.words.data()), sizeof key,
                                sizeof(MessageDigest));
    }
    void add(std::string_view bytes) {
        crypto_generichash_update(&state_, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
    }
    // The length first: no part can pass for the end of the one before.
    void add_part(std::string_view bytes) {
        const std::uint64_t length = bytes.size();
        add({reinterpret_cast<const char*>(&length), sizeof length});
        add(bytes);
    }
    MessageDigest digest() {
        MessageDigest result;
        crypto_generichash_final(&state_, reinterpret_cast<unsigned char*>(result.words.data()), sizeof result);
        return result;
    }

private:
    crypto_generichash_state state_;
};

// Up to `limit` bytes; fewer only at the end of the file. Whatever position a filter left the descriptor at.
Result<std::string> read_at(int fd, std::size_t limit, std::size_t offset) {
    std::string bytes(limit, '\0');
    std::size_t used = 0;
    while (used < limit) {
        const ssize_t n = pread(fd, bytes.data() + used, limit - used, static_cast<off_t>(offset + used));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno_error("read the body", errno);
        if (n == 0) break;
        used += static_cast<std::size_t>(n);
    }
    bytes.resize(used);
    return bytes;
}

}  // namespace

Result<MessageDigest> digest_message(const TaskFiles& files, std::string_view sender, const DigestKey& key) {
    if (sodium_init() < 0) return Error{"libsodium cannot be used"};
    const auto body = files.open_body();
    if (!body) return body.error();
    const int fd = body->get();
    auto bytes = read_at(fd, kMaxHeader, 0);
    if (!bytes) return bytes.error();
    const auto split = split_header(*bytes, bytes->size() < kMaxHeader);
    if (!split) return Error{"the header is too long"};
    Hash hash(key);
    hash.add_part(sender);
    hash.add_part(split->message_id);
    hash.add(std::string_view(*bytes).substr(split->body));
    for (std::size_t offset = bytes->size(); !bytes->empty(); offset += bytes->size()) {
        bytes = read_at(fd, kChunk, offset);
        if (!bytes) return bytes.error();
        hash.add(*bytes);
    }
    return hash.digest();
}

}  // namespace pythonfilter
