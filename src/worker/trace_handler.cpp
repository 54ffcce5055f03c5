#include "worker/trace_handler.h"

#include "worker/python_object.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <unistd.h>

namespace pythonfilter {
namespace {

constexpr int kMaxFrames = 60;   // of one thread, the innermost
constexpr int kMaxThreads = 40;

using Handler = void (*)(int);

struct {
    pid_t pid = 0;
    ScoreboardPage* page = nullptr;
    int fd = -1;
    Handler by_python = nullptr;        // CPython's: runs write_trace() between two byte codes
    Handler by_faulthandler = nullptr;  // writes the stack of this thread to fd at once
    PyObject* current_frames = nullptr; // sys._current_frames, for as long as the process lives
} place;

char* room() { return reinterpret_cast<char*>(place.page) + kTraceOffset; }

std::string attribute_text(PyObject* object, const char* name) {
    const PyObj value = steal(PyObject_GetAttrString(object, name));
    if (!value) PyErr_Clear();
    return value ? to_bytes(value.ptr()).value_or("?") : "?";
}

void add_frames(std::string& text, PyObject* innermost) {
    PyObj frame = borrow(innermost);
    for (int count = 0; frame && count < kMaxFrames && text.size() < kTraceRoom; ++count) {
        auto* raw = reinterpret_cast<PyFrameObject*>(frame.ptr());
        const PyObj code = steal(reinterpret_cast<PyObject*>(PyFrame_GetCode(raw)));
        text += "  File \"" + attribute_text(code.ptr(), "co_filename") + "\", line " +
                std::to_string(PyFrame_GetLineNumber(raw)) + " in " + attribute_text(code.ptr(), "co_name") + "\n";
        frame = steal(reinterpret_cast<PyObject*>(PyFrame_GetBack(raw)));
    }
}

// Needs no module of Python's: a filter may have changed them.
std::string describe_threads(PyObject* interrupted) {
    std::string text = "Main thread (most recent call first):\n";
    add_frames(text, interrupted);
    const PyObj frames = steal(PyObject_CallNoArgs(place.current_frames));
    if (!frames || !PyDict_Check(frames.ptr())) return text;
    PyObject* key = nullptr;
    PyObject* frame = nullptr;
    int threads = 0;
    for (Py_ssize_t at = 0; PyDict_Next(frames.ptr(), &at, &key, &frame) && threads < kMaxThreads;) {
        const unsigned long thread = PyLong_AsUnsignedLong(key);
        if (!PyFrame_Check(frame) || thread == static_cast<unsigned long>(pthread_self())) continue;
        ++threads;
        text += "Thread " + std::to_string(thread) + " (most recent call first):\n";
        add_frames(text, frame);
    }
    return text;
}

PyObject* write_trace(PyObject*, PyObject* arguments) {
    PyObject* frame = PyTuple_GET_SIZE(arguments) == 2 ? PyTuple_GET_ITEM(arguments, 1) : nullptr;
    if (frame && PyFrame_Check(frame) && getpid() == place.pid) {
        const std::string text = describe_threads(frame);
        const std::size_t length = std::min(text.size(), kTraceRoom - 1);
        std::memcpy(room(), text.data(), length);
        std::memset(room() + length, 0, kTraceRoom - length);
        place.page->traces.fetch_add(1);
    }
    PyErr_Clear();
    Py_RETURN_NONE;
}

PyMethodDef handler = {"_write_trace", write_trace, METH_VARARGS, "Writes where the filters are into the scoreboard."};

// Only what a signal handler may do. A forked child is not the worker: it has nobody to tell.
void on_signal(int signal) {
    const int saved_errno = errno;
    if (getpid() == place.pid && gettid() == place.pid && !PyGILState_Check()) {
        std::memset(room(), 0, kTraceRoom);
        lseek(place.fd, static_cast<off_t>(kTraceOffset), SEEK_SET);
        place.by_faulthandler(signal);
        place.page->traces.fetch_add(1);
    } else if (getpid() == place.pid) {
        place.by_python(signal);
    }
    errno = saved_errno;
}

Handler installed_handler() {
    struct sigaction action{};
    sigaction(trace_signal(), nullptr, &action);
    return action.sa_handler;
}

bool register_faulthandler(int fd) {
    const PyObj module = steal(PyImport_ImportModule("faulthandler"));
    const PyObj function = module ? steal(PyObject_GetAttrString(module.ptr(), "register")) : PyObj();
    const PyObj arguments = steal(Py_BuildValue("(i)", trace_signal()));
    const PyObj keywords =
        steal(Py_BuildValue("{s:i,s:O,s:O}", "file", fd, "all_threads", Py_False, "chain", Py_False));
    return function && arguments && keywords && steal(PyObject_Call(function.ptr(), arguments.ptr(), keywords.ptr()));
}

}  // namespace

bool install_trace_handler(ScoreboardPage* page, int fd) {
    place = {getpid(), page, fd, nullptr, nullptr, PySys_GetObject("_current_frames")};
    Py_XINCREF(place.current_frames);
    if (!place.current_frames || !register_faulthandler(fd)) return false;
    place.by_faulthandler = installed_handler();
    const PyObj module = steal(PyImport_ImportModule("_signal"));
    const PyObj function = steal(PyCFunction_New(&handler, nullptr));
    const PyObj done = module && function ? steal(PyObject_CallMethod(module.ptr(), "signal", "iO", trace_signal(),
                                                                      function.ptr()))
                                          : PyObj();
    if (!done) return false;
    place.by_python = installed_handler();
    struct sigaction action{};
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART | SA_ONSTACK;  // a system call of a C library goes on as if nothing had happened
    sigemptyset(&action.sa_mask);
    sigaction(trace_signal(), &action, nullptr);
    return true;
}

}  // namespace pythonfilter
