#include "worker/package_guard.h"

#include <algorithm>

namespace pythonfilter {
namespace {

bool is_guarded(std::string_view module) {
    return module == "builtins" || module == "courier" || module.starts_with("courier.");
}

PyObject* dictionary_of(PyObject* owner) {  // borrowed
    return PyType_Check(owner) ? reinterpret_cast<PyTypeObject*>(owner)->tp_dict : PyModule_GetDict(owner);
}

bool is_ours(PyObject* value) {
    const PyObj module = optional_attribute(value, "__module__");
    PyErr_Clear();
    return module && PyUnicode_Check(module.ptr()) && is_guarded(to_bytes(module.ptr()).value_or(""));
}

}  // namespace

void PackageGuard::adopt_modules() {
    PyObject* const modules = PyImport_GetModuleDict();
    PyObject *key = nullptr, *module = nullptr;
    std::vector<std::pair<std::string, PyObj>> found;  // first collected: what follows may run Python
    for (Py_ssize_t at = 0; PyDict_Next(modules, &at, &key, &module);) {
        const auto name = to_bytes(key);
        if (name && is_guarded(*name) && PyModule_Check(module) && !modules_.contains(*name))
            found.emplace_back(*name, borrow(module));
    }
    for (const auto& [name, object] : found) {
        modules_.emplace(name, object);
        adopt(name, object);
    }
}

void PackageGuard::adopt(const std::string& prefix, const PyObj& owner) {
    PyObject *key = nullptr, *value = nullptr;
    std::vector<Name> found;
    for (Py_ssize_t at = 0; PyDict_Next(dictionary_of(owner.ptr()), &at, &key, &value);) {
        const auto name = to_bytes(key);
        const bool is_code = PyCallable_Check(value) || PyType_Check(owner.ptr());
        if (name && is_code) found.push_back({prefix + "." + *name, owner, borrow(key), borrow(value)});
    }
    for (const Name& name : found) {
        names_.push_back(name);
        const bool descend = PyType_Check(name.value.ptr()) && !PyType_Check(owner.ptr()) && prefix != "builtins";
        if (descend && is_ours(name.value.ptr())) adopt(name.text, name.value);
    }
}

std::string PackageGuard::changed() {
    adopt_modules();
    std::string text;
    const auto add = [&text](const std::string& name) {
        constexpr std::size_t kMaxShown = 200;
        if (text.size() < kMaxShown) text += (text.empty() ? "" : ", ") + name;
    };
    for (const auto& [name, module] : modules_) {
        if (PyDict_GetItemString(PyImport_GetModuleDict(), name.c_str()) != module.ptr()) add(name);
    }
    for (const Name& name : names_) {
        if (PyDict_GetItem(dictionary_of(name.owner.ptr()), name.name.ptr()) != name.value.ptr()) add(name.text);
    }
    return text;
}

bool PackageGuard::restore() {
    for (const auto& [name, module] : modules_) {
        if (PyDict_SetItemString(PyImport_GetModuleDict(), name.c_str(), module.ptr()) != 0) PyErr_Clear();
    }
    for (const Name& name : names_) {
        if (PyDict_GetItem(dictionary_of(name.owner.ptr()), name.name.ptr()) == name.value.ptr()) continue;
        // As an attribute: for a class, the method cache learns of it.
        if (PyObject_SetAttr(name.owner.ptr(), name.name.ptr(), name.value.ptr()) != 0) PyErr_Clear();
    }
    return changed().empty();
}

}  // namespace pythonfilter
