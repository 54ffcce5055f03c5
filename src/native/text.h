// The decoding rule of the API: a record's bytes are UTF-8, and those that are not become a marked, percent-encoded
// text that can be turned back. For native.cpp and arguments.cpp.
#pragma once

#include <cstdint>
#include <cstring>
#include <pybind11/pybind11.h>
#include <string>
#include <string_view>

namespace pythonfilter::native {

/// ASCII white space at both ends cut off, the rest decoded; when it is not UTF-8: "(malformed utf8):" and the bytes
/// percent-encoded, a blank as +, where letters, digits and _.-~@ stay.
pybind11::str to_text(std::string_view bytes);

/// Two parts of new_text(), for what is rare: white space cut off, and a text that is not all ASCII.
std::string_view strip_blanks(std::string_view bytes);
PyObject* new_wide_text(std::string_view stripped);

/// False when a byte is not ASCII; what was copied is then of no use. An address is a few words long: one look at each
/// costs less than calls.
inline bool copy_ascii(char* to, std::string_view from) {
    using Word = std::uint64_t;
    constexpr Word kHighBits = 0x8080808080808080;
    Word all = 0;
    const auto copy_word = [&](std::size_t at) {
        Word word = 0;
        std::memcpy(&word, from.data() + at, sizeof word);
        std::memcpy(to + at, &word, sizeof word);
        all |= word;
    };
    if (from.size() >= sizeof(Word)) {
        const std::size_t last = from.size() - sizeof(Word);  // what is left over at the end, and some bytes once more
        for (std::size_t at = 0; at < last; at += sizeof(Word)) copy_word(at);
        copy_word(last);
    } else {
        for (const char byte : from) {
            all |= static_cast<unsigned char>(byte);
            *to++ = byte;
        }
    }
    return (all & kHighBits) == 0;
}

/// As to_text(), a new reference. A message may have thousands of addresses, nearly all of them ASCII.
inline PyObject* new_text(std::string_view bytes) {
    // No ASCII white space is larger than a blank.
    const auto is_inked = [](char c) { return static_cast<unsigned char>(c) > ' '; };
    if (bytes.empty() || !is_inked(bytes.front()) || !is_inked(bytes.back())) bytes = strip_blanks(bytes);
    PyObject* const text = PyUnicode_New(static_cast<Py_ssize_t>(bytes.size()), 127);
    if (text == nullptr) throw pybind11::error_already_set();
    // Where PyUnicode_DATA() finds the bytes, without a look at what PyUnicode_New() has only just written.
    if (copy_ascii(reinterpret_cast<char*>(reinterpret_cast<PyASCIIObject*>(text) + 1), bytes)) return text;
    Py_DECREF(text);
    return new_wide_text(bytes);
}

/// The bytes of a str: UTF-8, or what to_text() made the marked text of. ValueError (UnicodeEncodeError) when it cannot
/// be encoded, TypeError when it is no str.
std::string to_bytes(const pybind11::handle& text);

}  // namespace pythonfilter::native
