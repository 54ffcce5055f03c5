#include "native/task_files.h"

#include "base/change_time.h"
#include "native/arguments.h"

#include <sys/stat.h>
#include <vector>

namespace py = pybind11;

namespace pythonfilter::native {

namespace {

struct Listed {
    std::string path;
    FileId id;
    timespec changed{};
    off_t size = 0;
    HeldFile held;
};

// Guarded by the GIL. Kept from message to message, so that its memory is used again.
std::vector<Listed> listed;

// Where the last one was found. Who looks for many mostly takes them in their order.
std::size_t last = 0;

Listed* find(std::string_view path) {
    const std::size_t count = listed.size();
    for (std::size_t step = 1; step <= count; ++step) {
        const std::size_t place = (last + step) % count;
        if (listed[place].path != path) continue;
        last = place;
        return &listed[place];
    }
    return nullptr;
}

void begin_message(const TaskFileCalls::File* files, std::size_t count) {
    listed.resize(count);
    for (std::size_t i = 0; i < count; ++i) {
        listed[i].path = files[i].path;
        listed[i].id = files[i].id;
        listed[i].changed = files[i].changed;
        listed[i].size = files[i].size;
        listed[i].held = {files[i].fd, files[i].text};
    }
}

const TaskFileCalls calls{begin_message, clear_task_files};

}  // namespace

py::capsule task_file_calls() { return py::capsule(&calls, TaskFileCalls::kName); }

void register_task_files(const py::iterable& files) {
    std::vector<Listed> wanted;
    for (const auto& item : files) {
        const auto file = item.cast<py::tuple>();
        if (file.size() != 3) throw py::value_error("a task file is (path, st_dev, st_ino)");
        wanted.push_back({to_path(file[0]), {file[1].cast<dev_t>(), file[2].cast<ino_t>()}, {}, 0, {}});
    }
    listed = std::move(wanted);
}

void clear_task_files() {
    // No file has inode 0. The paths stay in the list, so that a thread that a filter left behind is refused.
    for (auto& file : listed) {
        file.id = {};
        file.held = {};
    }
}

std::optional<FileId> registered_file(const std::string& path) {
    const Listed* const found = find(path);
    if (!found) return {};
    return found->id;
}

std::optional<HeldFile> held_file(std::string_view path) {
    const Listed* const found = find(path);
    struct stat info {};
    if (!found || found->held.fd < 0 || fstat(found->held.fd, &info) != 0) return {};
    const bool is_it = FileId{info.st_dev, info.st_ino} == found->id && info.st_nlink > 0;
    if (!is_it || info.st_size != found->size || !same_time(info.st_ctim, found->changed)) return {};
    return found->held;
}

std::optional<std::pair<std::uint64_t, std::uint64_t>> task_file_id(const py::handle& path) {
    const auto id = registered_file(to_path(path));
    if (!id) return {};
    return std::pair<std::uint64_t, std::uint64_t>(id->device, id->inode);
}

void replace_task_file(const py::handle& path, std::uint64_t device, std::uint64_t inode) {
    if (Listed* const found = find(to_path(path))) found->id = {device, inode};
}

}  // namespace pythonfilter::native
