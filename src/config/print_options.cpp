// A program of the build, not installed: prints the option table as the sample file or as the section of the manual.
//
//   print_options sample > conf/pythonfilter.yaml
//   print_options manual
#include "config/option_manual.h"

#include <cstring>
#include <iostream>

int main(int argc, char** argv) {
    const bool sample = argc == 2 && std::strcmp(argv[1], "sample") == 0;
    const bool manual = argc == 2 && std::strcmp(argv[1], "manual") == 0;
    if (!sample && !manual) {
        std::cerr << "usage: print_options sample|manual\n";
        return 64;
    }
    std::cout << (sample ? pythonfilter::print_sample_file() : pythonfilter::print_manual_options()) << std::flush;
    return std::cout ? 0 : 74;
}
