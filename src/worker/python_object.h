// Owning a PyObject, and strings between C++ and Python. Every call into Python in this directory is a call of its C
// API whose result is looked at; nothing here throws a C++ exception for an error of Python.
#pragma once

#include <pybind11/pybind11.h>

#include <optional>
#include <string>
#include <string_view>

namespace pythonfilter {

using PyObj = pybind11::object;  // owns a reference, may be null

/// Takes over a new reference (null when the call failed).
inline PyObj steal(PyObject* object) { return pybind11::reinterpret_steal<PyObj>(object); }
inline PyObj borrow(PyObject* object) { return pybind11::reinterpret_borrow<PyObj>(object); }

/// A path or name as Python sees it: UTF-8, odd bytes as lone surrogates.
PyObj to_python(std::string_view text);

/// The data of a str or of an object of a class derived from it (none of whose methods is called): UTF-8, lone
/// surrogates encoded as they are. nullopt when `object` is no str.
std::optional<std::string> to_bytes(PyObject* object);

/// An attribute, null without an error when there is none; null with an error when looking for it failed.
PyObj optional_attribute(PyObject* object, const char* name);

/// A name that is looked up often. Null without memory.
inline PyObj interned(const char* name) { return steal(PyUnicode_InternFromString(name)); }

/// What sys has under that name; borrowed, null when nothing. PySys_GetObject() would make and hash a str for it.
PyObject* sys_attribute(const PyObj& interned_name);

/// A module that was imported already, null when not. Never an error.
PyObj imported_module(const char* name);
PyObj imported_module(const PyObj& interned_name);

}  // namespace pythonfilter
