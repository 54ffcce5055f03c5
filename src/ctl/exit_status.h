// The exit status of pythonfilterctl, which scripts can rely on. From sysexits.h where that has one.
#pragma once

namespace pythonfilter {

enum ExitStatus : int {
    exit_ok = 0,
    exit_failed = 1,  // it did not succeed; status: it serves, but not all is well; trace: there is none
    exit_usage = 64,
    exit_no_server = 69,      // nobody answers there
    exit_no_answer = 75,      // not in time
    exit_not_permitted = 77,
};

}  // namespace pythonfilter
