#include "native/arguments.h"

#include "native/task_files.h"
#include "native/text.h"

#include <cstring>
#include <fcntl.h>

namespace py = pybind11;

namespace pythonfilter::native {

namespace {

[[noreturn]] void throw_errno(const py::handle& path) {
    PyErr_SetFromErrnoWithFilenameObject(PyExc_OSError, path.ptr());
    throw py::error_already_set();
}

py::bytes encode_path(const py::handle& path) {
    PyObject* encoded = nullptr;
    if (PyUnicode_FSConverter(path.ptr(), &encoded) == 0) throw py::error_already_set();
    return py::reinterpret_steal<py::bytes>(encoded);
}

/// The bytes of a str that is ASCII and without NUL, as they stand in it; nullptr for any other path. In every encoding
/// of file names they are the same.
const char* ascii_path(const py::handle& path) {
    if (!PyUnicode_CheckExact(path.ptr()) || !PyUnicode_IS_COMPACT_ASCII(path.ptr())) return nullptr;
    const auto* const name = reinterpret_cast<const char*>(PyUnicode_1BYTE_DATA(path.ptr()));
    return std::strlen(name) == static_cast<std::size_t>(PyUnicode_GET_LENGTH(path.ptr())) ? name : nullptr;
}

/// A path as open() takes it, while the object lives that it was made of.
class FileName {
public:
    explicit FileName(const py::handle& path) : name_(ascii_path(path)) {
        if (name_ != nullptr) return;
        encoded_ = encode_path(path);
        name_ = PyBytes_AS_STRING(encoded_.ptr());
    }
    const char* get() const { return name_; }

private:
    py::object encoded_;
    const char* name_;
};

// O_NONBLOCK: a FIFO under that name must not hang the filter.
constexpr int kFlags = O_CLOEXEC | O_NOCTTY | O_NONBLOCK;

}  // namespace

std::string to_path(const py::handle& path) {
    return std::string(std::string_view(encode_path(path)));
}

// What the worker has read is copied: a thread that a filter left behind may still be here when the next message comes.
bool ControlReader::read_held(std::string_view path) {
    const auto held = held_file(path);
    if (!held) return false;
    if (!held->text) return static_cast<bool>(text_.take(held->fd));
    text_.take(*held->text);
    return true;
}

std::string_view ControlReader::read(const py::handle& path) {
    const FileName name(path);
    if (read_held(name.get())) return text_.view();
    const UniqueFd fd(open(name.get(), O_RDONLY | kFlags));
    if (!fd) throw_errno(path);
    throw_on_error(text_.take(fd.get()), path);
    return text_.view();
}

UniqueFd open_for_append(const py::handle& path) {
    UniqueFd fd(open(FileName(path).get(), O_RDWR | O_APPEND | kFlags));
    if (!fd) throw_errno(path);
    throw_on_error(check_file(fd.get(), registered_file(to_path(path))), path);
    return fd;
}

std::string to_record_value(const py::handle& value) {
    auto bytes = to_bytes(value);
    if (!is_record_value(bytes))
        throw py::value_error("LF, CR or NUL in a value for a control file: " + std::string(py::repr(value)));
    return bytes;
}

void throw_on_error(const Status& status, const py::handle& path) {
    if (status) return;
    const auto text = std::string(py::str(path)) + ": " + status.error().text;
    PyErr_SetString(PyExc_OSError, text.c_str());
    throw py::error_already_set();
}

}  // namespace pythonfilter::native
