// The packets between master and zygote: what a decoder takes is exactly what the encoder makes of it. Every decoder
// gets every input.
#include "demand.h"
#include "message/zygote_protocol.h"

using namespace pythonfilter;

namespace {

template <class Decode>
void check_decoder(std::string_view packet, Decode decode) {
    if (const auto value = decode(packet)) DEMAND(encode(*value) == packet);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view packet = as_text(data, size);
    check_decoder(packet, decode_spec);
    check_decoder(packet, decode_fork);
    check_decoder(packet, decode_slow);
    check_decoder(packet, decode_report);
    return 0;
}
