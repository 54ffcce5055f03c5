#include "worker/python_error.h"

#include "message/frames.h"

#include <vector>

namespace pythonfilter {
namespace {

constexpr std::size_t kMaxHeadline = 1024;
constexpr std::size_t kMaxPiece = 2048;  // one entry of a traceback

std::string printable_bytes(PyObject* object) {
    const PyObj bytes = steal(PyUnicode_AsEncodedString(object, "utf-8", "backslashreplace"));
    if (!bytes) {
        PyErr_Clear();
        return {};
    }
    return std::string(PyBytes_AS_STRING(bytes.ptr()), static_cast<std::size_t>(PyBytes_GET_SIZE(bytes.ptr())));
}

// What traceback.format_exception() makes of it, piece by piece; empty when even that failed.
std::vector<std::string> format_exception(PyObject* type, PyObject* value, PyObject* traceback) {
    std::vector<std::string> pieces;
    const PyObj module = steal(PyImport_ImportModule("traceback"));
    const PyObj list =
        module ? steal(PyObject_CallMethod(module.ptr(), "format_exception", "OOO", type, value, traceback)) : PyObj();
    if (!list || !PyList_Check(list.ptr())) {
        PyErr_Clear();
        return pieces;
    }
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list.ptr()); ++i) {
        PyObject* piece = PyList_GET_ITEM(list.ptr(), i);
        if (PyUnicode_Check(piece)) pieces.push_back(shorten(printable_bytes(piece), kMaxPiece));
    }
    return pieces;
}

std::string without_final_newline(std::string text) {
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
}

}  // namespace

std::string shorten(std::string_view text, std::size_t limit) {
    if (text.size() <= limit) return std::string(text);
    constexpr std::string_view dots = " ... ";
    const std::size_t room = limit - dots.size();
    const std::size_t head = room / 2;
    return std::string(text.substr(0, head)) + std::string(dots) +
           std::string(text.substr(text.size() - (room - head)));
}

PythonError take_python_error() {
    PyObject *type = nullptr, *value = nullptr, *traceback = nullptr;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    const PyObj own_type = steal(type), own_traceback = steal(traceback);
    PythonError error;
    error.value = steal(value);
    error.is_exception = PyErr_GivenExceptionMatches(type, PyExc_Exception);

    auto pieces = format_exception(type, value ? value : Py_None, traceback ? traceback : Py_None);
    if (pieces.empty())
        pieces.push_back(PyExceptionClass_Check(type) ? PyExceptionClass_Name(type) : "unknown exception");
    error.headline = shorten(without_final_newline(std::move(pieces.back())), kMaxHeadline);
    pieces.pop_back();
    std::string trace;
    for (const auto& piece : pieces) trace += piece;
    const std::size_t room = kMaxIncidentText - error.headline.size() - 1;
    error.text = error.headline;
    if (!trace.empty()) error.text += "\n" + shorten(without_final_newline(std::move(trace)), room);
    return error;
}

void print_python_error() {
    if (!PyErr_Occurred()) return;
    const PythonError error = take_python_error();
    PySys_FormatStderr("%s\n", error.text.c_str());
}

}  // namespace pythonfilter
