// ProcessSnapshot: what a process has open and running. The zygote takes one before and one after the imports: what an
// import opened or started would be shared by all workers forked from it, which is wrong for a descriptor and
// impossible for a thread. Pure comparison, so that it can be tested.
#pragma once

#include <map>
#include <set>
#include <string>
#include <sys/types.h>

namespace pythonfilter {

struct ProcessSnapshot {
    std::map<int, std::string> descriptors;  // number -> what /proc says it is
    std::set<pid_t> threads;
    std::set<pid_t> children;                // that run; ended ones do no harm
    bool alarm = false;                      // a timer that would end the process: fork does not pass it on
};

ProcessSnapshot take_snapshot();

/// What `after` has that `before` had not, in words; empty when nothing.
std::string describe_additions(const ProcessSnapshot& before, const ProcessSnapshot& after);

/// The name of a process or thread for a person: "python3".
std::string process_name(pid_t pid);

}  // namespace pythonfilter
