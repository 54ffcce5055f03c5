// Frames: a payload that a decoder takes is exactly what the encoder makes of it; a stream gives the same frames
// however it is cut. Input: one byte, which decoder, or the length of a stream's pieces; the payload or the stream.
#include "demand.h"
#include "message/frames.h"

#include <string>
#include <utility>
#include <vector>

using namespace pythonfilter;

namespace {

template <class Decode>
void check_decoder(std::string_view payload, Decode decode) {
    const auto value = decode(payload);
    if (!value) return;
    const std::string frame = encode(*value);
    DEMAND(std::string_view(frame).substr(sizeof(FrameHeader)) == payload);
    FrameStream stream;
    stream.append(frame);
    FrameStream::Frame got{};
    DEMAND(stream.next(got) == FrameStream::Next::frame && got.payload == payload);
}

struct Frames {
    std::vector<std::pair<FrameType, std::string>> frames;
    bool bad = false;
    bool operator==(const Frames&) const = default;
};

Frames read_in_pieces(std::string_view bytes, std::size_t length) {
    Frames result;
    FrameStream stream;
    while (!bytes.empty() && !result.bad) {
        stream.append(take_text(bytes, length));
        FrameStream::Frame frame{};
        FrameStream::Next next;
        while ((next = stream.next(frame)) == FrameStream::Next::frame) {
            DEMAND(frame.payload.size() <= kMaxFrame);
            result.frames.emplace_back(frame.type, frame.payload);
        }
        result.bad = next == FrameStream::Next::bad;
    }
    return result;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view input = as_text(data, size);
    const std::size_t choice = take_number(input);
    switch (choice) {
        case 't': check_decoder(input, decode_task); break;
        case 'r': check_decoder(input, decode_ready); break;
        case 'p': check_decoder(input, decode_progress); break;
        case 'o': check_decoder(input, decode_outcome); break;
        default: DEMAND(read_in_pieces(input, 1 + choice) == read_in_pieces(input, input.size() + 1));
    }
    return 0;
}
