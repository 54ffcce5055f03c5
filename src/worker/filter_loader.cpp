#include "worker/filter_loader.h"

#include "worker/forked_child.h"
#include "worker/python_error.h"

namespace pythonfilter {
namespace {

constexpr const char* kHooks[] = {"doFilter", "do_filter"};
constexpr const char* kInits[] = {"initFilter", "init_filter"};

PyObj import_module(const std::string& name) {
    const PyObj importlib = steal(PyImport_ImportModule("importlib"));
    const PyObj python_name = to_python(name);
    if (!importlib || !python_name) return {};
    return steal(PyObject_CallMethod(importlib.ptr(), "import_module", "O", python_name.ptr()));
}

std::string text_attribute(PyObject* object, const char* name) {
    const PyObj attribute = optional_attribute(object, name);
    PyErr_Clear();
    return attribute ? to_bytes(attribute.ptr()).value_or("") : std::string();
}

// Whether the module itself, or a package it lies in, does not exist; not something that it imports.
bool is_missing(const PythonError& error, const std::string& module) {
    if (!error.value || !PyErr_GivenExceptionMatches(error.value.ptr(), PyExc_ModuleNotFoundError)) return false;
    const std::string missing = text_attribute(error.value.ptr(), "name");
    return missing == module || (module.starts_with(missing + ".") && missing != "pythonfilter");
}

std::string join_paths(PyObject* sequence) {
    std::string joined;
    const PyObj list = sequence ? steal(PySequence_List(sequence)) : PyObj();
    for (Py_ssize_t i = 0; list && i < PyList_GET_SIZE(list.ptr()); ++i) {
        joined += (joined.empty() ? "" : ", ") + to_bytes(PyList_GET_ITEM(list.ptr(), i)).value_or("?");
    }
    PyErr_Clear();
    return joined;
}

std::string not_found_text(const std::string& name) {
    const PyObj package = imported_module("pythonfilter");
    const PyObj path = package ? optional_attribute(package.ptr(), "__path__") : PyObj();
    PyErr_Clear();
    std::string text = "filter module " + name + " not found (looked in " +
                       (path ? join_paths(path.ptr()) : "no package pythonfilter");
    if (name.find('.') != std::string::npos) text += "; as " + name + " in " + join_paths(PySys_GetObject("path"));
    return text + ")";
}

std::string import_failure_text(const std::string& name, const PythonError& error) {
    if (error.value && PyErr_GivenExceptionMatches(error.value.ptr(), PyExc_ModuleNotFoundError)) {
        const std::string needed = text_attribute(error.value.ptr(), "name");
        return "filter " + name + " needs the module " + needed + ", which is not there\n" + error.text;
    }
    if (!error.is_exception) return "filter " + name + " tried to end the program while it was imported: " + error.text;
    return "filter " + name + " cannot be imported: " + error.text;
}

std::string no_hook_text(const LoadedFilter& filter) {
    std::string file = text_attribute(filter.module.ptr(), "__file__");
    return "filter " + filter.spec.name + " (" + (file.empty() ? "no file" : file) +
           ") defines neither do_filter nor doFilter";
}

// nullopt: no such function. The text is empty after success.
std::optional<std::string> call_init(const LoadedFilter& filter, const char* name) {
    const PyObj function = optional_attribute(filter.module.ptr(), name);
    if (!function && !PyErr_Occurred()) return std::nullopt;
    const PyObj result = function ? steal(PyObject_CallNoArgs(function.ptr())) : PyObj();
    leave_if_forked();
    if (result) return "";
    return std::string(name) + " of filter " + filter.spec.name + " failed: " + take_python_error().text;
}

bool has_any(const LoadedFilter& filter) {
    for (const auto& names : {kHooks, kInits}) {
        for (int i = 0; i < 2; ++i) {
            const PyObj function = optional_attribute(filter.module.ptr(), names[i]);
            PyErr_Clear();
            if (function) return true;
        }
    }
    return false;
}

}  // namespace

void import_filter(LoadedFilter& filter) {
    const std::string& name = filter.spec.name;
    std::string module = "pythonfilter." + name;
    filter.module = import_module(module);
    leave_if_forked();
    if (!filter.module) {
        PythonError error = take_python_error();
        if (is_missing(error, module) && name.find('.') != std::string::npos) {
            module = name;
            filter.module = import_module(module);
            leave_if_forked();
            if (!filter.module) error = take_python_error();
        }
        if (!filter.module)
            filter.failure = is_missing(error, module) ? not_found_text(name) : import_failure_text(name, error);
    }
    // init_filter may define the hooks, so without them it is only hopeless when there is no init either.
    if (filter.module && !has_any(filter)) filter.failure = no_hook_text(filter);
}

void init_filter(LoadedFilter& filter) {
    for (const char* name : kInits) {
        if (auto failure = call_init(filter, name); failure && !failure->empty()) {
            filter.failure = std::move(*failure);
            return;
        }
    }
    for (const char* name : kHooks) {
        PyObj hook = optional_attribute(filter.module.ptr(), name);
        PyErr_Clear();
        if (hook) filter.hooks.push_back(std::move(hook));
    }
    if (filter.hooks.empty()) filter.failure = no_hook_text(filter);
}

}  // namespace pythonfilter
