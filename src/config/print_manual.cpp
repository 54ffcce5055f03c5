// A program of the build, not installed: prints a manual page with the option table in the place of the line @OPTIONS@.
//
//   print_manual man/pythonfilter.yaml.5.in > pythonfilter.yaml.5
#include "config/manual_page.h"

#include <fstream>
#include <iostream>

int main(int argc, char** argv) {
    std::ifstream page(argc == 2 ? argv[1] : "");
    if (!page || !pythonfilter::fill_in_page(page, "@OPTIONS@", pythonfilter::print_manual_options(), std::cout)) {
        std::cerr << "print_manual: expected the name of a page with the line @OPTIONS@\n";
        return 66;
    }
    std::cout.flush();
    return std::cout ? 0 : 74;
}
