#include "native/text.h"

#include <optional>

namespace py = pybind11;

namespace pythonfilter::native {

namespace {

constexpr std::string_view kMalformed = "(malformed utf8):";
constexpr std::string_view kBlanks = " \t\n\r\v\f";
constexpr std::string_view kHex = "0123456789ABCDEF";

bool stays(unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("_.-~@").find(static_cast<char>(c)) != std::string_view::npos;
}

std::string percent_encode(std::string_view bytes) {
    std::string text;
    for (const char byte : bytes) {
        const auto c = static_cast<unsigned char>(byte);
        if (stays(c)) {
            text += byte;
        } else if (byte == ' ') {
            text += '+';
        } else {
            text += '%';
            text += kHex[c >> 4];
            text += kHex[c & 15];
        }
    }
    return text;
}

/// The bytes that percent_encode() makes this text of; nullopt when it never would.
std::optional<std::string> percent_decode(std::string_view text) {
    std::string bytes;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            bytes += text[i] == '+' ? ' ' : text[i];
            continue;
        }
        if (text.size() - i < 3) return {};
        const auto high = kHex.find(text[i + 1]);
        const auto low = kHex.find(text[i + 2]);
        if (high == std::string_view::npos || low == std::string_view::npos) return {};
        bytes += static_cast<char>(high * 16 + low);
        i += 2;
    }
    if (percent_encode(bytes) != text) return {};
    return bytes;
}

/// nullptr when the bytes are not UTF-8.
py::object decode(std::string_view bytes) {
    auto text = py::reinterpret_steal<py::object>(
        PyUnicode_DecodeUTF8(bytes.data(), static_cast<Py_ssize_t>(bytes.size()), nullptr));
    if (!text && PyErr_ExceptionMatches(PyExc_UnicodeDecodeError) != 0) PyErr_Clear();
    else if (!text) throw py::error_already_set();
    return text;
}

}  // namespace

py::str to_text(std::string_view bytes) { return py::reinterpret_steal<py::str>(new_text(bytes)); }

std::string_view strip_blanks(std::string_view bytes) {
    const auto first = bytes.find_first_not_of(kBlanks);
    if (first == std::string_view::npos) return {};
    return bytes.substr(first, bytes.find_last_not_of(kBlanks) - first + 1);
}

PyObject* new_wide_text(std::string_view stripped) {
    if (auto text = decode(stripped)) return text.release().ptr();
    return py::str(std::string(kMalformed) + percent_encode(stripped)).release().ptr();
}

std::string to_bytes(const py::handle& text) {
    if (!PyUnicode_Check(text.ptr())) {
        PyErr_Format(PyExc_TypeError, "a value for a control file is a str, not %s", Py_TYPE(text.ptr())->tp_name);
        throw py::error_already_set();
    }
    Py_ssize_t size = 0;
    const char* const utf8 = PyUnicode_AsUTF8AndSize(text.ptr(), &size);
    if (utf8 == nullptr) throw py::error_already_set();
    const std::string_view bytes(utf8, static_cast<std::size_t>(size));
    if (bytes.starts_with(kMalformed)) {
        // Only bytes that are no UTF-8 get the mark: anything else that looks like it is meant literally.
        const auto raw = percent_decode(bytes.substr(kMalformed.size()));
        if (raw && !decode(*raw)) return *raw;
    }
    return std::string(bytes);
}

}  // namespace pythonfilter::native
