// The decoding rule of the API: a record's bytes are UTF-8, and those that are not become a marked, percent-encoded
// text that can be turned back. For native.cpp and arguments.cpp.
#pragma once

#include <pybind11/pybind11.h>
#include <string>
#include <string_view>

namespace pythonfilter::native {

/// ASCII white space at both ends cut off, the rest decoded; when it is not UTF-8: "(malformed utf8):" and the bytes
/// percent-encoded, a blank as +, where letters, digits and _.-~@ stay.
pybind11::str to_text(std::string_view bytes);

/// The same as a new reference.
PyObject* new_text(std::string_view bytes);

/// The bytes of a str: UTF-8, or what to_text() made the marked text of. ValueError (UnicodeEncodeError) when it cannot
/// be encoded, TypeError when it is no str.
std::string to_bytes(const pybind11::handle& text);

}  // namespace pythonfilter::native
