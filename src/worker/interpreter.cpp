#include "worker/interpreter.h"

#include "worker/python_error.h"
#include "worker/python_object.h"
#include "worker/settings_object.h"

#include <csignal>
#include <cstdio>
#include <malloc.h>

namespace pythonfilter {
namespace {

struct ConfigHolder {
    PyConfig config;
    ConfigHolder() { PyConfig_InitPythonConfig(&config); }
    ~ConfigHolder() { PyConfig_Clear(&config); }
    ConfigHolder(const ConfigHolder&) = delete;
    ConfigHolder& operator=(const ConfigHolder&) = delete;
};

Status check(const PyStatus& status) {
    if (!PyStatus_Exception(status)) return Done{};
    return Error{std::string("Python cannot start: ") + (status.err_msg ? status.err_msg : "no reason given")};
}

PyStatus initialize() {
    PyPreConfig before;
    PyPreConfig_InitPythonConfig(&before);
    before.utf8_mode = 1;
    before.parse_argv = 0;
    if (PyStatus status = Py_PreInitialize(&before); PyStatus_Exception(status)) return status;

    ConfigHolder holder;
    PyConfig& config = holder.config;
    config.install_signal_handlers = 0;
    config.parse_argv = 0;
    config.user_site_directory = 0;
    char name[] = "pythonfilter";
    char* arguments[] = {name};
    PyStatus status = PyConfig_SetBytesArgv(&config, 1, arguments);
    // Not the path of this program: filters start sys.executable, and expect a Python.
    for (wchar_t** field : {&config.program_name, &config.executable}) {
        if (!PyStatus_Exception(status)) status = PyConfig_SetBytesString(&config, field, PYTHONFILTER_PYTHON);
    }
    return PyStatus_Exception(status) ? status : Py_InitializeFromConfig(&config);
}

PyObj python_list(const std::vector<std::string>& texts) {
    PyObj list = steal(PyList_New(0));
    for (const auto& text : texts) {
        const PyObj item = to_python(text);
        if (!list || !item || PyList_Append(list.ptr(), item.ptr()) != 0) return {};
    }
    return list;
}

// Our packages come first, so that an older courier package in dist-packages is not found. Sites' directories come
// last: a helper module there must not hide one of the standard library.
bool set_sys_path(const ZygoteSpec& spec) {
    PyObject* path = PySys_GetObject("path");
    const PyObj first = to_python(spec.python_dir);
    const PyObj last = python_list(spec.filter_path);
    if (!path || !first || !last) return false;
    if (PyList_Insert(path, 0, first.ptr()) != 0) return false;
    const Py_ssize_t end = PyList_Size(path);
    return PyList_SetSlice(path, end, end, last.ptr()) == 0;
}

// pythonfilter.<name> finds a site's filter before the stock filter of that name.
bool set_package_path(const ZygoteSpec& spec) {
    const PyObj package = steal(PyImport_ImportModule("pythonfilter"));
    if (!package) return false;
    const PyObj stock = steal(PyObject_GetAttrString(package.ptr(), "__path__"));
    const PyObj path = python_list(spec.filter_path);
    if (!stock || !path) return false;
    const PyObj extended = steal(PySequence_InPlaceConcat(path.ptr(), stock.ptr()));
    return extended && PyObject_SetAttrString(package.ptr(), "__path__", extended.ptr()) == 0;
}

// A pipe makes stdout block-buffered; half a buffer would be printed again by every child that a filter forks.
bool set_line_buffering(const char* stream_name) {
    PyObject* const stream = sys_attribute(interned(stream_name));
    if (!stream || stream == Py_None) return true;
    const PyObj reconfigure = steal(PyObject_GetAttrString(stream, "reconfigure"));
    const PyObj keywords = steal(Py_BuildValue("{s:O,s:s}", "line_buffering", Py_True, "errors", "backslashreplace"));
    const PyObj nothing = steal(PyTuple_New(0));
    if (!reconfigure || !keywords || !nothing) return false;
    return static_cast<bool>(steal(PyObject_Call(reconfigure.ptr(), nothing.ptr(), keywords.ptr())));
}

// By default glibc gives the heap back after each large message and faults it in again for the next: 9 % of the time of
// a filter that parses 200 kB. Setting one threshold ends the adjustment of both.
void keep_freed_memory() {
    mallopt(M_TRIM_THRESHOLD, 16 * 1024 * 1024);
    mallopt(M_MMAP_THRESHOLD, 4 * 1024 * 1024);
}

// sys.stdout or sys.stderr, and how it is flushed: this happens after each message.
class OutputStream {
public:
    explicit OutputStream(const char* name) : name_(interned(name)) {}

    void flush() {
        PyObject* const now = sys_attribute(name_);
        if (!now || now == Py_None) return;
        if (now != stream_.ptr()) {
            flush_ = optional_attribute(now, "flush");
            stream_ = borrow(now);
        }
        const PyObj flushed = flush_ ? steal(PyObject_CallNoArgs(flush_.ptr())) : PyObj();
        if (!flushed) PyErr_Clear();  // a filter may have closed or replaced it
    }

private:
    PyObj name_, stream_, flush_;
};

}  // namespace

Status start_interpreter(const ZygoteSpec& spec) {
    keep_freed_memory();
    signal(SIGPIPE, SIG_IGN);  // as Python does when it installs signal handlers
    signal(SIGXFSZ, SIG_IGN);
    if (Status status = check(initialize()); !status) return status;
    setvbuf(stdout, nullptr, _IOLBF, 0);
    const bool ok = set_sys_path(spec) && set_line_buffering("stdout") && set_line_buffering("stderr");
    if (!ok) return Error{"Python cannot start: " + take_python_error().text};
    // Without the package every filter fails by itself, with a text that says where it was looked for.
    if (!set_package_path(spec)) print_python_error();
    // The first while there are descriptors to read it with. The others are shared with the workers, which
    // use them all: imports in each took a third of the memory that a fresh one has for itself.
    for (const char* name : {"traceback", "faulthandler", "signal", "atexit", "gc"}) steal(PyImport_ImportModule(name));
    PyErr_Clear();
    return hand_over_settings(spec);
}

void flush_output() {
    // Never freed: the interpreter is gone when statics are destroyed.
    static OutputStream &output = *new OutputStream("stdout"), &errors = *new OutputStream("stderr");
    output.flush();
    errors.flush();
    std::fflush(stdout);
}

// Whatever goes wrong there goes wrong with the first message too, and then a filter is there to say so.
void warm_up() {
    if (!imported_module("email")) return;
    const PyObj module = steal(PyImport_ImportModule("pythonfilter._warm_up"));
    const PyObj result = module ? steal(PyObject_CallMethod(module.ptr(), "run", nullptr)) : PyObj();
    PyErr_Clear();
    PyGC_Collect();
}

void collect_youngest() {
    static const PyObj& collect = [] {
        const PyObj module = steal(PyImport_ImportModule("gc"));
        return *new PyObj(module ? optional_attribute(module.ptr(), "collect") : PyObj());
    }();
    static PyObject* const youngest = PyLong_FromLong(0);
    if (collect && youngest && PyGC_IsEnabled()) steal(PyObject_CallOneArg(collect.ptr(), youngest));
    PyErr_Clear();
}

void run_signal_handlers() {
    if (PyErr_CheckSignals() != 0) print_python_error();
}

void run_exit_functions() {
    const PyObj module = steal(PyImport_ImportModule("atexit"));
    const PyObj result = module ? steal(PyObject_CallMethod(module.ptr(), "_run_exitfuncs", nullptr)) : PyObj();
    if (!result) print_python_error();
}

}  // namespace pythonfilter
