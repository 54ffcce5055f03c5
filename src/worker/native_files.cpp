#include "worker/native_files.h"

#include "message/task_file_calls.h"
#include "worker/python_object.h"

namespace pythonfilter {
namespace {

// Null as long as nobody has imported the extension. Once it is there it stays.
const TaskFileCalls* native_calls() {
    static const TaskFileCalls* calls = nullptr;
    if (calls) return calls;
    static const PyObj& name = *new PyObj(interned(TaskFileCalls::kModule));  // never freed
    const PyObj module = imported_module(name);
    const PyObj capsule = module ? optional_attribute(module.ptr(), TaskFileCalls::kAttribute) : PyObj();
    if (capsule)
        calls = static_cast<const TaskFileCalls*>(PyCapsule_GetPointer(capsule.ptr(), TaskFileCalls::kName));
    PyErr_Clear();
    return calls;
}

}  // namespace

void register_native_files(const TaskFiles& files, const ControlTexts& texts) {
    const TaskFileCalls* const calls = native_calls();
    if (!calls) return;
    std::vector<TaskFileCalls::File> list;
    const auto& entries = files.entries();
    list.reserve(entries.size());
    for (std::size_t i = 0; i < entries.size(); ++i) {
        const auto& entry = entries[i];
        list.push_back({entry.path.c_str(), entry.id, entry.changed, entry.size, entry.fd.get(), {}});
        if (i > 0 && entry.change_shows) list.back().text = texts.of(i - 1);
    }
    calls->begin_message(list.data(), list.size());
}

void clear_native_files() {
    if (const TaskFileCalls* const calls = native_calls()) calls->end_message();
}

}  // namespace pythonfilter
