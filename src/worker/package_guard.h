// PackageGuard: the functions and classes that every filter relies on: those of the courier package and Python's
// built-in ones. A filter that replaces one would decide over the messages of all others in its worker. What the
// functions keep in variables is their own business. Used by python_properties.cpp, with the interpreter's lock held.
#pragma once

#include "worker/python_object.h"

#include <map>
#include <string>
#include <vector>

namespace pythonfilter {

class PackageGuard {
public:
    PackageGuard() { adopt_modules(); }

    /// The names that are not what they were; empty when all are. A module imported since is known from now on.
    std::string changed();
    bool restore();

private:
    struct Name {
        std::string text;  // "courier.control.get_sender"
        PyObj owner;       // module or class
        PyObj name;
        PyObj value;
    };

    void adopt_modules();
    void adopt(const std::string& prefix, const PyObj& owner);

    std::map<std::string, PyObj> modules_;
    std::vector<Name> names_;
};

}  // namespace pythonfilter
