// An exception of Python made into text for the log. Called wherever a call into a filter can fail. Formatting runs
// code of the filter (__str__ of its exceptions), so it never trusts that this succeeds, and it never lets an exception
// out.
#pragma once

#include "worker/python_object.h"

#include <string>

namespace pythonfilter {

struct PythonError {
    PyObj value;                // the exception object
    bool is_exception = false;  // derives from Exception; false: SystemExit, KeyboardInterrupt and their like
    std::string headline;       // "ValueError: no such thing"
    std::string text;           // headline, LF, traceback; at most kMaxIncidentText bytes
};

/// Takes the pending exception (one must be pending) and clears it.
PythonError take_python_error();

/// For exceptions in places where nobody can be told but the log: written to stderr as Python does, and cleared.
void print_python_error();

/// `text` cut to `limit` bytes: its start and its end stay, dots stand for the middle.
std::string shorten(std::string_view text, std::size_t limit);

}  // namespace pythonfilter
