// Who this process is and what it hands on: descriptors it was born with, user, environment, limits. Called by main.cpp
// and the guardian before anything is served. Must never let filters run as root, and never keep a descriptor that
// nobody here opened: a copy of courierfilter's fd 3 blocks the start of the whole mail system, and once it leaked its
// own end as fd 4.
#pragma once

#include "base/result.h"
#include "config/config.h"

#include <optional>
#include <string>
#include <sys/resource.h>
#include <vector>

namespace pythonfilter {

/// What the process found when it began.
struct Inherited {
    bool stdin_is_pipe = false;
    bool ready_is_pipe = false;  // fd 3

    /// courierfilter gives a filter both.
    bool from_courierfilter() const { return stdin_is_pipe && ready_is_pipe; }
};

/// First thing in main(): looks at fds 0 and 3, and opens /dev/null where 0, 1 or 2 is closed.
Inherited inspect_inherited();

/// Closes every descriptor above 2 that is not in `keep`, and makes those in `keep` close-on-exec.
void close_inherited(const std::vector<int>& keep);

struct MailUser {
    std::string name;
    std::string warning;   // a sentence when something is probably not meant, else empty
};

/// Started as root: becomes the mail user, by name (numbers from courier-config are wrong on Debian), with its
/// supplementary groups, for good. Otherwise the user stays, with a warning when it is not the mail user.
Result<MailUser> become_mail_user(const CourierDirs& courier);

/// What a filter can rely on: PATH, HOME, USER, LOGNAME, TMPDIR, a UTF-8 locale, sysconfdir; a working directory that
/// exists, umask 007 (message files are 0660). What is set and of use stays. After become_mail_user().
void set_filter_environment(const CourierDirs& courier);

/// Raises the soft limit of open files to the hard one. `original_soft`: what a parent that already did so began with.
void raise_nofile_limit(std::optional<rlim_t> original_soft = std::nullopt);
/// The limit before raise_nofile_limit(): what workers get back, because select() in a filter fails above 1024.
rlimit original_nofile_limit();

/// No core file and no ptrace by others of the same user: mail and passwords pass through here.
void forbid_dumps();

}  // namespace pythonfilter
