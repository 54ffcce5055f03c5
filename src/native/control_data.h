// What control files say as Python objects: one recipient as a list, the whole envelope as a dict. Each file is read
// once. For native.cpp only; it must never keep anything about a message.
#pragma once

#include "message/control_file.h"

#include <pybind11/pybind11.h>
#include <span>

namespace pythonfilter::native {

/// [address, original recipient, DSN flags]
pybind11::list recipient_data(const Recipient& recipient);

/// Objects that become one list. While there is one of these, Python's collector rests: it would look at thousands of
/// new lists again and again, and none can be in a cycle.
class ObjectList {
public:
    ObjectList() : collects_(PyGC_Disable() != 0) { PyObject_GC_UnTrack(list_.ptr()); }
    ~ObjectList() {
        if (collects_) PyGC_Enable();
    }
    ObjectList(const ObjectList&) = delete;
    ObjectList& operator=(const ObjectList&) = delete;

    /// Makes room for so many, before the first is added; more or fewer may come.
    void expect(std::size_t count);
    /// Takes over a reference.
    void add(PyObject* item) {
        if (size_ < PyList_GET_SIZE(list_.ptr())) PyList_SET_ITEM(list_.ptr(), size_, item);
        else append(item);
        ++size_;
    }
    std::size_t size() const { return static_cast<std::size_t>(size_); }
    pybind11::list take();

private:
    void append(PyObject* item);

    // The first size_ items are there, the others NULL: unknown to the collector, so that no Python code can find it.
    pybind11::list list_;
    Py_ssize_t size_ = 0;
    bool collects_;
};

/// Appends one such list for each that is open.
void append_recipients(ObjectList& all, std::span<const Recipient> recipients);

/// The dict of courier.control.get_control_data(): scalars from the first file, recipients from all.
/// IndexError without a file.
pybind11::dict control_data(const pybind11::iterable& control_paths);

}  // namespace pythonfilter::native
