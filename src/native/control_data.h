// What control files say as Python objects: one recipient as a list, the whole envelope as a dict. Each file is read
// once. For native.cpp only; it must never keep anything about a message.
#pragma once

#include "message/control_file.h"

#include <pybind11/pybind11.h>
#include <vector>

namespace pythonfilter::native {

/// [address, original recipient, DSN flags]
pybind11::list recipient_data(const Recipient& recipient);

/// Appends one such list for each.
void append_recipients(pybind11::list& all, const std::vector<Recipient>& recipients);

/// The dict of courier.control.get_control_data(): scalars from the first file, recipients from all.
/// IndexError without a file.
pybind11::dict control_data(const pybind11::iterable& control_paths);

}  // namespace pythonfilter::native
