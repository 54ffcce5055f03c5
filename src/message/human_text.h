// Numbers as a person reads them, the same in the terminal and on the status page. Pure.
#pragma once

#include <cstdint>
#include <string>

namespace pythonfilter {

/// With so many digits behind the point.
std::string number_text(double value, int digits);
/// "2.5 s", "3 min 20 s", "5 d 4 h".
std::string span_text(double seconds);
/// Mebibytes: "12.5"; empty when it is not known.
std::string mebibytes_text(std::int64_t bytes);

}  // namespace pythonfilter
