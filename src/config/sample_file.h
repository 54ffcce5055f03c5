// The option table as the commented sample file conf/pythonfilter.yaml. Called by print_sample.cpp, a program of the
// build, and by the unit test that compares the file with it. Nothing about a key may be said here: that is the
// table's.
#pragma once

#include <string>

namespace pythonfilter {

/// Every key with its paragraph, what it takes and its default, behind a "#". It loads as it is, and with any of the
/// "#" before a key removed.
std::string print_sample_file();

}  // namespace pythonfilter
