// Which files the current message consists of: path -> device and inode, told by the worker when it has opened them,
// and by which descriptors it has the control files open.
// Courier reuses a path as soon as a message is gone, so what runs on for a message that was given up must not touch
// the next one's files. A path that is not listed (a filter's own files, a stand-alone run) is not checked.
#pragma once

#include "message/control_file.h"
#include "message/task_file_calls.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <pybind11/pybind11.h>
#include <utility>

namespace pythonfilter::native {

/// For the worker, which makes no Python objects for it; register_task_files() and clear_task_files() are the same for
/// who calls from Python.
pybind11::capsule task_file_calls();

/// Replaces the list by `files`: tuples (path, st_dev, st_ino).
void register_task_files(const pybind11::iterable& files);

/// From now on no listed file can be written: the message is over. A new list ends this.
void clear_task_files();

std::optional<FileId> registered_file(const std::string& path);

/// A listed control file that the worker has open, and what it has read there. Both are lent until the interpreter's
/// lock is given up.
struct HeldFile {
    int fd = -1;
    std::optional<std::string_view> text;  // none: to be read
};

/// Nothing, unless the path must still lead to that file: nothing was done to it since the worker opened it, not even
/// within its directory (size and ctime; a file system whose clock ticks slowly may hide what is done in the tick in
/// which Courier wrote it: such a file has no text here). To look costs one system call, and no walk through
/// directories.
std::optional<HeldFile> held_file(std::string_view path);

/// (st_dev, st_ino), or None when the path is not listed.
std::optional<std::pair<std::uint64_t, std::uint64_t>> task_file_id(const pybind11::handle& path);

/// The path of a listed file has got another file, with our consent (a rewritten message).
void replace_task_file(const pybind11::handle& path, std::uint64_t device, std::uint64_t inode);

}  // namespace pythonfilter::native
