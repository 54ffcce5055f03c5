#include "native/task_files.h"

#include "native/arguments.h"

#include <unordered_map>

namespace py = pybind11;

namespace pythonfilter::native {

namespace {

// Guarded by the GIL.
std::unordered_map<std::string, FileId> listed;

}  // namespace

void register_task_files(const py::iterable& files) {
    std::unordered_map<std::string, FileId> wanted;
    for (const auto& item : files) {
        const auto file = item.cast<py::tuple>();
        if (file.size() != 3) throw py::value_error("a task file is (path, st_dev, st_ino)");
        wanted[to_path(file[0])] = {file[1].cast<dev_t>(), file[2].cast<ino_t>()};
    }
    listed = std::move(wanted);
}

void clear_task_files() {
    // No file has inode 0. The paths stay in the list, so that a thread that a filter left behind is refused.
    for (auto& [path, id] : listed) id = {};
}

std::optional<FileId> registered_file(const std::string& path) {
    const auto found = listed.find(path);
    if (found == listed.end()) return {};
    return found->second;
}

std::optional<std::pair<std::uint64_t, std::uint64_t>> task_file_id(const py::handle& path) {
    const auto id = registered_file(to_path(path));
    if (!id) return {};
    return std::pair<std::uint64_t, std::uint64_t>(id->device, id->inode);
}

void replace_task_file(const py::handle& path, std::uint64_t device, std::uint64_t inode) {
    const auto found = listed.find(to_path(path));
    if (found != listed.end()) found->second = {device, inode};
}

}  // namespace pythonfilter::native
