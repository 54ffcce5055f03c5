// What control files say as Python objects: one recipient as a list, the whole envelope as a dict. Each file is read
// once. For native.cpp only; it must never keep anything about a message.
#pragma once

#include "message/control_file.h"

#include <pybind11/pybind11.h>
#include <span>
#include <vector>

namespace pythonfilter::native {

/// [address, original recipient, DSN flags]
pybind11::list recipient_data(const Recipient& recipient);

/// Objects that become one list. While there is one of these, Python's collector rests: it would look at thousands of
/// new lists again and again, and none can be in a cycle.
class ObjectList {
public:
    ObjectList() : collects_(PyGC_Disable() != 0) {}
    ~ObjectList();
    ObjectList(const ObjectList&) = delete;
    ObjectList& operator=(const ObjectList&) = delete;

    /// Takes over a reference.
    void add(PyObject* item) { items_.push_back(item); }
    std::size_t size() const { return items_.size(); }
    pybind11::list take();

private:
    bool collects_;
    std::vector<PyObject*> items_;
};

/// Appends one such list for each that is open.
void append_recipients(ObjectList& all, std::span<const Recipient> recipients);

/// The dict of courier.control.get_control_data(): scalars from the first file, recipients from all.
/// IndexError without a file.
pybind11::dict control_data(const pybind11::iterable& control_paths);

}  // namespace pythonfilter::native
