// The one place that names the JSON library. Keys keep the order in which they were written, for people who read it.
// Only what speaks on the control socket includes this. Parsing and printing are called in the forms that do not throw.
#pragma once

#include <nlohmann/json.hpp>

namespace pythonfilter {

using Json = nlohmann::ordered_json;

}  // namespace pythonfilter
