// TaskFiles: the files of the message that a task names. The control files are opened at once and held open, because
// Courier uses a path again for the next message as soon as a client has gone; the body is the filters' to read, and
// only looked at. They have the lowest free descriptors, as to move them up would cost two system calls a message; a
// filter that closes what it has not opened is found out by current(). They are lent to the native extension, which
// checks what it finds there. Called by the task runner. It never changes a file.
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"
#include "message/control_file.h"
#include "message/frames.h"

#include <ctime>
#include <string>
#include <vector>

namespace pythonfilter {

class TaskFiles {
public:
    /// Finds them, opens the control files, and checks that the number in a body name D<number> is the inode of the
    /// first control file.
    static Result<TaskFiles> open(const Task& task);

    /// What was true of them at that moment.
    const Identity& opened() const { return opened_; }
    /// What the paths lead to now, so that a rename over a file is noticed. An error when it is no regular file any
    /// more, or a control file that has become shorter: nobody takes records away, Courier would lose recipients.
    /// Must be called behind a filter that may have closed them: what is not ours any more is not closed by us.
    /// That a directory above them was renamed shows only where a file was changed too, or has just been written.
    Result<Identity> current();

    /// Log facts, read from the control files that were opened; with up to kMaxComparedRecipients recipients.
    /// Its size is that of the body which the path leads to now, or as it was found.
    Result<MessageFacts> facts() const;
    /// Fills `texts` with what it reads of the control files.
    Result<MessageFacts> facts_as_opened(ControlTexts& texts) const;

    /// The body, to be read. An error when its path leads to another file by now.
    Result<UniqueFd> open_body() const;

    struct Entry {
        std::string path;
        UniqueFd fd;              // of a control file
        FileId id;
        off_t size = 0;           // when found
        timespec changed{};       // likewise
        bool change_shows = true; // a change since then gives it another time
    };
    /// The body first, then the control files.
    const std::vector<Entry>& entries() const { return entries_; }

private:
    TaskFiles() = default;
    Result<MessageFacts> read_facts(off_t size, ControlTexts* texts) const;

    std::vector<Entry> entries_;
    Identity opened_;
};

}  // namespace pythonfilter
