// Python values in, errors out: paths as os.fsencode() reads them, record values as bytes, a Status as an exception.
// For native.cpp only.
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"
#include "message/control_file.h"

#include <pybind11/pybind11.h>
#include <string>
#include <string_view>

namespace pythonfilter::native {

/// str, bytes or PathLike -> the path's bytes. TypeError or ValueError (a NUL) otherwise.
std::string to_path(const pybind11::handle& path);

/// Reads one control file after the other.
class ControlReader {
public:
    /// The visible text, until the next call. OSError (FileNotFoundError, ...) with the path when it cannot be read.
    std::string_view read(const pybind11::handle& path);

private:
    bool read_held(std::string_view path);

    ControlText text_;
};

/// A control file open for append_records(), proven to be the one of the current message if that is registered.
UniqueFd open_for_append(const pybind11::handle& path);

/// A str as the bytes of a record. ValueError for LF, CR, NUL and what UTF-8 cannot hold, TypeError for what is no str.
std::string to_record_value(const pybind11::handle& value);

/// Raises the error as OSError that names the path.
void throw_on_error(const Status& status, const pybind11::handle& path);

template <class Work>
auto without_gil(Work work) {
    const pybind11::gil_scoped_release release;
    return work();
}

}  // namespace pythonfilter::native
