// TaskFileCalls: how the worker tells the native extension which files its message consists of. It is Python that loads
// the extension, so the functions come in a capsule of its module; and it may load one of another build, while the
// server of before an upgrade still runs: then there are no calls. Only declarations.
#pragma once

#include "build_id.h"
#include "message/control_file.h"

#include <cstddef>
#include <ctime>
#include <optional>
#include <string_view>
#include <sys/types.h>

namespace pythonfilter {

struct TaskFileCalls {
    /// Of the capsule: where it is found.
    static constexpr const char* kModule = "courier._native";
    static constexpr const char* kAttribute = "_task_file_calls";
    static constexpr const char* kName = "courier._native._task_file_calls of " PYTHONFILTER_BUILD_ID;

    struct File {
        const char* path;
        FileId id;
        timespec changed;  // its ctime
        off_t size;
        int fd;            // lent until end_message(), of a control file; else -1
        // What a control file has held since that ctime, lent likewise. None when it may have been changed since then
        // and not show it.
        std::optional<std::string_view> text;
    };
    /// Both with the interpreter's lock held.
    void (*begin_message)(const File* files, std::size_t count);
    void (*end_message)();
};

}  // namespace pythonfilter
