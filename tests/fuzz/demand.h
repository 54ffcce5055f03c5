// What a fuzzer demands of the code under test: DEMAND(condition) says what did not hold and aborts, which libFuzzer
// reports as a crash together with the input. Also the pieces that a fuzzer takes its input apart with.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

// A macro for the sake of the condition's text.
#define DEMAND(condition) ((condition) ? void() : pythonfilter::demand_failed(#condition, __FILE__, __LINE__))

namespace pythonfilter {

[[noreturn]] inline void demand_failed(const char* condition, const char* file, int line) {
    std::fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
    std::abort();
}

inline std::string_view as_text(const std::uint8_t* data, std::size_t size) {
    return {reinterpret_cast<const char*>(data), size};
}

/// Takes the first byte off as a number; 0 when there is none.
inline std::size_t take_number(std::string_view& input) {
    if (input.empty()) return 0;
    const auto number = static_cast<unsigned char>(input.front());
    input.remove_prefix(1);
    return number;
}

/// Takes the first `length` bytes off, or what there is.
inline std::string_view take_text(std::string_view& input, std::size_t length) {
    const auto text = input.substr(0, std::min(length, input.size()));
    input.remove_prefix(text.size());
    return text;
}

}  // namespace pythonfilter
