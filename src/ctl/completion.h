// The completion of pythonfilterctl for bash, made from the tables of commands. Installed for bash-completion, and
// printed by `pythonfilterctl completion`. Pure.
#pragma once

#include <string>

namespace pythonfilter {

std::string bash_completion();

}  // namespace pythonfilter
