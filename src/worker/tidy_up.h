// TidyUp: what one message must not leave to the next. A filter that closed its standard descriptors, set an alarm,
// blocked signals, or changed the umask or the directory and then failed, costs at most its own message. What
// init_filter has set up is how this worker works, and stays. Called by the worker loop after each message; only system
// calls that cost next to nothing.
#pragma once

#include "base/unique_fd.h"

#include <csignal>
#include <string>
#include <sys/types.h>

namespace pythonfilter {

class TidyUp {
public:
    /// `error` is the worker's stderr pipe: installed as 1 and 2, with /dev/null as 0, and kept to do so again.
    explicit TidyUp(UniqueFd error);

    /// Things are now as every message shall find them.
    void set_baseline();
    void run();

    int error_fd() const { return error_.get(); }

private:
    void mend_standard_fds() const;

    UniqueFd error_;
    bool has_timer_ = false;  // of init_filter
    sigset_t mask_{};
    mode_t umask_ = 0;
    std::string directory_;   // empty: unknown
};

}  // namespace pythonfilter
