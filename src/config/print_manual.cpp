// A program of the build, not installed: prints a manual page with the option table in the place of the line @OPTIONS@.
//
//   print_manual man/pythonfilter.yaml.5.in > pythonfilter.yaml.5
#include "config/manual_page.h"

#include <fstream>
#include <iostream>
#include <string>

int main(int argc, char** argv) {
    std::ifstream page(argc == 2 ? argv[1] : "");
    if (!page) {
        std::cerr << "print_manual: expected the name of a page that can be read\n";
        return 66;
    }
    for (std::string line; std::getline(page, line);) {
        if (line == "@OPTIONS@") std::cout << pythonfilter::print_manual_options();
        else std::cout << line << '\n';
    }
    std::cout.flush();
    return std::cout ? 0 : 74;
}
