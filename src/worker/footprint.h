// Footprint: the values of what a filter may change for those after it, in the order of a table of properties, and
// which of them differ from how they should be. Pure: how a value is read and put back is said by the tables
// (process_properties.h, python_properties.h); what follows from a difference is TidyUp's business.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace pythonfilter {

/// How deep a look goes; each includes the ones before it.
enum class Look {
    memory,  // after each message: no system call
    quick,   // after a message whose filters had the time to start or to make anything (look_policy.h)
    called,  // after a message in which a function was called that can change the thing (changing_calls.h)
    full,    // at times (look_policy.h), and where a look has found anything
};

/// One thing that can be looked at and put back.
struct Property {
    const char* name;                                 // "the umask": the log says that a filter changed it
    Look look;                                        // the least deep one that looks at it
    std::function<std::string()> read;                // any bytes; equal when nothing was changed
    std::function<bool(const std::string&)> restore;  // false: it cannot be put back
    /// What changed, for a person: from the value that should be to the one that is. May be empty.
    std::function<std::string(const std::string&, const std::string&)> describe;
    bool raised_when_slow = false;  // the server itself changes it, in a worker whose filter takes long
    /// Where that costs less than read(): whether it has the value that it should have. A full look reads.
    std::function<bool(const std::string&)> holds = {};
};

using Footprint = std::vector<std::string>;  // one value for each property

struct Difference {
    std::size_t property = 0;
    std::string value;  // that it has now
};

Footprint read_all(const std::vector<Property>& properties);

std::vector<Difference> find_differences(const std::vector<Property>& properties, const Footprint& wanted, Look look);

/// "the umask (022 -> 077)"
std::string describe(const Property& property, const std::string& wanted, const std::string& value);

/// Describes with both values as they are.
std::string from_to(const std::string& wanted, const std::string& value);

}  // namespace pythonfilter
