// The option table as documentation: the section of the manual page and the sample file. Called by the build (see
// print_options.cpp) and by the unit test that compares conf/pythonfilter.yaml with it.
#pragma once

#include <string>

namespace pythonfilter {

/// A list of all keys in mdoc, to be included in the OPTIONS section of a manual page.
std::string print_manual_options();

/// conf/pythonfilter.yaml: every key with its paragraph and its default, behind a "#".
std::string print_sample_file();

}  // namespace pythonfilter
