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

// CPython gives a dictionary a new one with every change.
std::uint64_t version_of(PyObject* dictionary) { return reinterpret_cast<PyDictObject*>(dictionary)->ma_version_tag; }

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
    owners_.push_back(owner);
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
        if (!PyFunction_Check(name.value.ptr())) continue;
        const auto* const function = reinterpret_cast<PyFunctionObject*>(name.value.ptr());
        functions_.push_back({name.text, name.value, borrow(function->func_code), borrow(function->func_defaults),
                              borrow(function->func_kwdefaults)});
    }
}

PackageGuard::PackageGuard() {
    adopt_modules();
    remember_clean();
}

void PackageGuard::begin() {
    if (!names_untouched() || !changed().empty()) *this = PackageGuard();
}

bool PackageGuard::untouched() const {
    return !clean_.empty() && clean_[0] == version_of(PyImport_GetModuleDict()) && names_untouched();
}

bool PackageGuard::names_untouched() const {
    if (clean_.size() != owners_.size() + 1) return false;
    for (std::size_t i = 0; i < owners_.size(); ++i) {
        if (clean_[i + 1] != version_of(dictionary_of(owners_[i].ptr()))) return false;
    }
    return std::none_of(functions_.begin(), functions_.end(), [](const Function& each) { return each.changed(); });
}

void PackageGuard::remember_clean() {
    clean_ = {version_of(PyImport_GetModuleDict())};
    for (const PyObj& owner : owners_) clean_.push_back(version_of(dictionary_of(owner.ptr())));
}

std::string PackageGuard::changed() {
    if (untouched()) return {};
    adopt_modules();
    std::string text = compare();
    if (text.empty()) remember_clean();
    else clean_.clear();
    return text;
}

std::string PackageGuard::compare() const {
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
    for (const Function& each : functions_) {
        if (each.changed()) add(each.text);
    }
    return text;
}

bool PackageGuard::Function::changed() const {
    const auto* const now = reinterpret_cast<PyFunctionObject*>(function.ptr());
    return now->func_code != code.ptr() || now->func_defaults != defaults.ptr() ||
           now->func_kwdefaults != keyword_defaults.ptr();
}

void PackageGuard::Function::restore() const {
    const std::pair<const char*, const PyObj*> parts[] = {
        {"__code__", &code}, {"__defaults__", &defaults}, {"__kwdefaults__", &keyword_defaults}};
    for (const auto& [name, part] : parts) {
        if (PyObject_SetAttrString(function.ptr(), name, *part ? part->ptr() : Py_None) != 0) PyErr_Clear();
    }
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
    for (const Function& each : functions_) {
        if (each.changed()) each.restore();
    }
    return changed().empty();
}

}  // namespace pythonfilter
