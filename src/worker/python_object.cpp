#include "worker/python_object.h"

namespace pythonfilter {

PyObj to_python(std::string_view text) {
    return steal(PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "surrogateescape"));
}

std::optional<std::string> to_bytes(PyObject* object) {
    if (!PyUnicode_Check(object)) return std::nullopt;
    Py_ssize_t size = 0;
    if (const char* data = PyUnicode_AsUTF8AndSize(object, &size))
        return std::string(data, static_cast<std::size_t>(size));
    PyErr_Clear();
    const PyObj bytes = steal(PyUnicode_AsEncodedString(object, "utf-8", "surrogatepass"));
    if (!bytes) {
        PyErr_Clear();
        return std::nullopt;
    }
    return std::string(PyBytes_AS_STRING(bytes.ptr()), static_cast<std::size_t>(PyBytes_GET_SIZE(bytes.ptr())));
}

PyObj optional_attribute(PyObject* object, const char* name) {
    PyObj attribute = steal(PyObject_GetAttrString(object, name));
    if (!attribute && PyErr_ExceptionMatches(PyExc_AttributeError)) PyErr_Clear();
    return attribute;
}

PyObject* sys_attribute(const PyObj& interned_name) {
    // First taken when the interpreter has just started, before a filter can put another module there.
    static PyObject* const dictionary = PyModule_GetDict(PyImport_AddModule("sys"));
    PyObject* const found = interned_name ? PyDict_GetItemWithError(dictionary, interned_name.ptr()) : nullptr;
    if (!found) PyErr_Clear();
    return found;
}

PyObj imported_module(const PyObj& interned_name) {
    PyObject* const found =
        interned_name ? PyDict_GetItemWithError(PyImport_GetModuleDict(), interned_name.ptr()) : nullptr;
    if (!found) PyErr_Clear();
    return borrow(found);
}

PyObj imported_module(const char* name) {
    return borrow(PyDict_GetItemString(PyImport_GetModuleDict(), name));  // suppresses errors itself
}

}  // namespace pythonfilter
