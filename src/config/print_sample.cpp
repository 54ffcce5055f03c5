// A program of the build, not installed: prints conf/pythonfilter.yaml from the option table. Run it when a row
// changes:
//
//   ninja -C BUILD src/config/print_sample && BUILD/src/config/print_sample > conf/pythonfilter.yaml
#include "config/sample_file.h"

#include <iostream>

int main() {
    std::cout << pythonfilter::print_sample_file() << std::flush;
    return std::cout ? 0 : 74;
}
