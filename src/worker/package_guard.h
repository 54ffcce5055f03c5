// PackageGuard: the functions and classes that every filter relies on: those of the courier package and Python's
// built-in ones. A filter that replaces one would decide over the messages of all others in its worker. What the
// functions keep in variables is their own business. Used by python_properties.cpp, with the interpreter's lock held.
#pragma once

#include "worker/python_object.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace pythonfilter {

class PackageGuard {
public:
    /// The names there are now stay. In the zygote, so that its workers share what is noted here.
    PackageGuard();
    /// In the worker, when init_filter has run: what it has changed stays changed.
    void begin();

    /// The names that are not what they were; empty when all are. A module imported since is known from now on. Costs
    /// nearly nothing while no dictionary that holds one of them was written to.
    std::string changed();
    bool restore();

private:
    struct Name {
        std::string text;  // "courier.control.get_sender"
        PyObj owner;       // module or class
        PyObj name;
        PyObj value;
    };

    /// A function of Python can be made to do something else without another in its place.
    struct Function {
        std::string text;
        PyObj function, code, defaults, keyword_defaults;

        bool changed() const;
        void restore() const;
    };

    void adopt_modules();
    bool untouched() const;
    bool names_untouched() const;  // of the modules that are known
    void adopt(const std::string& prefix, const PyObj& owner);
    std::string compare() const;
    void remember_clean();

    std::map<std::string, PyObj> modules_;
    std::vector<PyObj> owners_;
    std::vector<Name> names_;
    std::vector<Function> functions_;
    std::vector<std::uint64_t> clean_;  // the versions when all was as it should be; empty: it was not
};

}  // namespace pythonfilter
