// TaskFileCalls: how the worker tells the native extension which files its message consists of. Both are of one build,
// but it is Python that loads the extension, so the functions come in a capsule of its module. Only declarations.
#pragma once

#include "message/control_file.h"

#include <cstddef>

namespace pythonfilter {

struct TaskFileCalls {
    /// Of the capsule: where it is found.
    static constexpr const char* kModule = "courier._native";
    static constexpr const char* kAttribute = "_task_file_calls";
    static constexpr const char* kName = "courier._native._task_file_calls";

    struct File {
        const char* path;
        FileId id;
        int fd;  // lent until end_message(), of a control file; else -1
    };
    /// Both with the interpreter's lock held.
    void (*begin_message)(const File* files, std::size_t count);
    void (*end_message)();
};

}  // namespace pythonfilter
