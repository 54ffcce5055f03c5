#include "worker/python_properties.h"

#include "worker/python_object.h"
#include "worker/value_bytes.h"

#include <algorithm>
#include <clocale>
#include <cstdlib>
#include <cstring>
#include <map>
#include <unistd.h>

namespace pythonfilter {
namespace {

// An object is compared by its address: the saved one lives on, so no other has it.

// ---- environment: environ of C, which os.environ writes through to

std::string read_environment() {
    std::string text;
    for (char** entry = environ; entry && *entry; ++entry) text.append(*entry).push_back('\0');
    return text;
}

using Variables = std::map<std::string, std::string>;

Variables variables_of(const std::string& environment) {
    Variables variables;
    for (std::size_t at = 0, end; (end = environment.find('\0', at)) != std::string::npos; at = end + 1) {
        const std::string entry = environment.substr(at, end - at);
        const auto equals = entry.find('=');
        if (equals != std::string::npos) variables[entry.substr(0, equals)] = entry.substr(equals + 1);
    }
    return variables;
}

std::vector<std::string> changed_names(const std::string& wanted, const std::string& value) {
    const Variables before = variables_of(wanted), after = variables_of(value);
    std::vector<std::string> names;
    for (const auto& [name, text] : before) {
        if (const auto found = after.find(name); found == after.end() || found->second != text) names.push_back(name);
    }
    for (const auto& [name, text] : after) {
        if (!before.contains(name)) names.push_back(name);
    }
    return names;
}

std::string join(const std::vector<std::string>& names) {
    constexpr std::size_t kMaxShown = 5;
    std::string text;
    for (std::size_t i = 0; i < names.size() && i < kMaxShown; ++i) text += (i ? ", " : "") + names[i];
    return names.size() > kMaxShown ? text + ", ..." : text;
}

std::string describe_environment(const std::string& wanted, const std::string& value) {
    return join(changed_names(wanted, value));
}

// Through os.environ, so that both agree; what a filter wrote past it, to C's, after that.
bool restore_environment(const std::string& wanted) {
    const Variables before = variables_of(wanted);
    const PyObj os = imported_module("os");
    const PyObj environment = os ? optional_attribute(os.ptr(), "environ") : PyObj();
    const auto names = changed_names(wanted, read_environment());
    for (const std::string& name : names) {
        const auto found = before.find(name);
        const PyObj key = to_python(name), value = found != before.end() ? to_python(found->second) : PyObj();
        if (environment && key && value) PyObject_SetItem(environment.ptr(), key.ptr(), value.ptr());
        if (environment && key && !value) PyObject_DelItem(environment.ptr(), key.ptr());
        PyErr_Clear();
        if (found == before.end()) unsetenv(name.c_str());
        else setenv(name.c_str(), found->second.c_str(), 1);
        if (name == "TZ") tzset();
    }
    return changed_names(wanted, read_environment()).empty();
}

// ---- sys.path

std::string read_path() {
    std::string text;
    PyObject* path = PySys_GetObject("path");
    if (!path || !PyList_Check(path)) return "no list";
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(path); ++i) text += as_bytes(PyList_GET_ITEM(path, i));
    return text;
}

bool restore_path(const PyObj& saved) {
    const PyObj fresh = steal(PyList_GetSlice(saved.ptr(), 0, PyList_GET_SIZE(saved.ptr())));
    PyObject* path = PySys_GetObject("path");
    const bool is_list = path && PyList_Check(path);
    const int failed = !fresh ? -1
                       : is_list ? PyList_SetSlice(path, 0, PyList_GET_SIZE(path), fresh.ptr())
                                 : PySys_SetObject("path", fresh.ptr());
    if (failed) PyErr_Clear();
    return !failed;
}

Property search_path() {
    PyObject* const now = PySys_GetObject("path");
    const PyObj saved =
        now && PyList_Check(now) ? steal(PyList_GetSlice(now, 0, PyList_GET_SIZE(now))) : steal(PyList_New(0));
    const PyObj key = interned("path");
    const auto holds = [key](const std::string& wanted) {
        PyObject* const path = sys_attribute(key);
        if (!path || !PyList_Check(path)) return false;
        const auto size = static_cast<std::size_t>(PyList_GET_SIZE(path)) * sizeof(PyObject*);
        return size == wanted.size() && std::memcmp(PySequence_Fast_ITEMS(path), wanted.data(), size) == 0;
    };
    const auto restore = [saved](const std::string&) { return restore_path(saved); };
    return {"sys.path", Look::memory, read_path, restore, {}, false, holds};
}


// ---- single values

Property stream(const char* name, const char* attribute) {
    const PyObj saved = borrow(PySys_GetObject(attribute)), key = interned(attribute);
    return {name, Look::memory, [attribute] { return as_bytes(PySys_GetObject(attribute)); },
            [attribute, saved](const std::string&) { return PySys_SetObject(attribute, saved.ptr()) == 0; }, {}, false,
            [key, saved](const std::string&) { return sys_attribute(key) == saved.ptr(); }};
}

std::string read_locale() {
    const char* locale = std::setlocale(LC_ALL, nullptr);
    return locale ? locale : "";
}

// The parts that differ: the whole name is long.
std::string describe_locale(const std::string& wanted, const std::string& value) {
    std::string parts;
    for (std::size_t at = 0, end; at < value.size(); at = end + 1) {
        end = std::min(value.find(';', at), value.size());
        const std::string part = value.substr(at, end - at);
        if (wanted.find(part) == std::string::npos) parts += (parts.empty() ? "" : ", ") + part;
    }
    return parts;
}

bool restore_locale(const std::string& wanted) { return std::setlocale(LC_ALL, wanted.c_str()) != nullptr; }

std::string read_recursion_limit() { return std::to_string(Py_GetRecursionLimit()); }

bool restore_recursion_limit(const std::string& wanted) {
    Py_SetRecursionLimit(std::atoi(wanted.c_str()));
    return true;
}

std::string read_collector() { return PyGC_IsEnabled() ? "on" : "off"; }

bool restore_collector(const std::string& wanted) {
    wanted == "on" ? PyGC_Enable() : PyGC_Disable();
    return true;
}

// Python asks TMPDIR when there is none, and then remembers: that is no change.
std::string read_temporary_directory() {
    const PyObj module = imported_module("tempfile");
    const PyObj value = module ? optional_attribute(module.ptr(), "tempdir") : PyObj();
    PyErr_Clear();
    if (!value || value.is_none()) return "";
    const auto text = to_bytes(value.ptr());
    const char* own = std::getenv("TMPDIR");
    return text && own && *text == own ? "" : text.value_or("no str");
}

bool restore_temporary_directory(const std::string& wanted) {
    const PyObj module = imported_module("tempfile");
    const PyObj value = wanted.empty() ? borrow(Py_None) : to_python(wanted);
    if (module && value && PyObject_SetAttrString(module.ptr(), "tempdir", value.ptr()) == 0) return true;
    PyErr_Clear();
    return !module;
}

// ---- functions that Python calls at each call, line and return

struct Hooks {
    Py_tracefunc trace, profile;
    PyObject *trace_argument, *profile_argument;
};

Hooks hooks_now() {
    const PyThreadState* const thread = PyThreadState_Get();
    return {thread->c_tracefunc, thread->c_profilefunc, thread->c_traceobj, thread->c_profileobj};
}

Property hooks() {
    const Hooks saved = hooks_now();
    const PyObj trace = borrow(saved.trace_argument), profile = borrow(saved.profile_argument);
    const auto read = [] { return as_bytes(hooks_now()); };
    const auto holds = [](const std::string& wanted) {
        const Hooks now = hooks_now();
        return std::memcmp(&now, wanted.data(), std::min(sizeof now, wanted.size())) == 0;
    };
    const auto restore = [=](const std::string& wanted) {
        PyEval_SetTrace(saved.trace, trace.ptr());
        PyEval_SetProfile(saved.profile, profile.ptr());
        return read() == wanted;
    };
    return {"the trace or profile function", Look::memory, read, restore, {}, false, holds};
}

// ---- set in a module

PyObj socket_timeout() {
    const PyObj module = imported_module("_socket");
    PyObj timeout = module ? steal(PyObject_CallMethod(module.ptr(), "getdefaulttimeout", nullptr)) : PyObj();
    PyErr_Clear();
    return timeout;
}

std::string read_socket_timeout() {
    const PyObj timeout = socket_timeout();
    if (!timeout || !PyFloat_Check(timeout.ptr())) return "none";
    return std::to_string(PyFloat_AS_DOUBLE(timeout.ptr())) + " s";
}

bool restore_socket_timeout(const PyObj& saved) {
    const PyObj module = imported_module("_socket");
    PyObject* const value = saved ? saved.ptr() : Py_None;
    const PyObj done =
        module ? steal(PyObject_CallMethod(module.ptr(), "setdefaulttimeout", "O", value)) : borrow(Py_None);
    PyErr_Clear();
    return static_cast<bool>(done);
}

}  // namespace

std::vector<Property> python_properties(PackageGuard& guard) {
    const auto saved_timeout = socket_timeout();
    return {
        {"the environment", Look::called, read_environment, restore_environment, describe_environment},
        search_path(),
        {"the locale", Look::called, read_locale, restore_locale, describe_locale},
        stream("sys.stdin", "stdin"),
        stream("sys.stdout", "stdout"),
        stream("sys.stderr", "stderr"),
        {"the recursion limit", Look::memory, read_recursion_limit, restore_recursion_limit, from_to},
        {"the garbage collector", Look::memory, read_collector, restore_collector, from_to},
        {"tempfile.tempdir", Look::full, read_temporary_directory, restore_temporary_directory,
         [](const std::string&, const std::string& value) { return value; }},
        {"the default timeout of sockets", Look::full, read_socket_timeout,
         [saved_timeout](const std::string&) { return restore_socket_timeout(saved_timeout); }, from_to},
        hooks(),
        {"names in courier or builtins", Look::memory, [&guard] { return guard.changed(); },
         [&guard](const std::string&) { return guard.restore(); },
         [](const std::string&, const std::string& value) { return value; }},
    };
}

}  // namespace pythonfilter
