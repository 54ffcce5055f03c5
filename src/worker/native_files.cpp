#include "worker/native_files.h"

#include "worker/python_error.h"

namespace pythonfilter {
namespace {

// Never freed: the interpreter is gone when statics are destroyed.
PyObj native_module() {
    static const PyObj& name = *new PyObj(interned("courier._native"));
    return imported_module(name);
}

PyObj list_files(const TaskFiles& files) {
    PyObj list = steal(PyList_New(0));
    for (const auto& entry : files.entries()) {
        const PyObj path = to_python(entry.path);
        const PyObj item =
            path ? steal(Py_BuildValue("(OKK)", path.ptr(), static_cast<unsigned long long>(entry.id.device),
                                       static_cast<unsigned long long>(entry.id.inode)))
                 : PyObj();
        if (!list || !item || PyList_Append(list.ptr(), item.ptr()) != 0) return {};
    }
    return list;
}

}  // namespace

void register_native_files(const TaskFiles& files) {
    const PyObj module = native_module();
    if (!module) return;
    const PyObj list = list_files(files);
    const PyObj result =
        list ? steal(PyObject_CallMethod(module.ptr(), "_register_task_files", "O", list.ptr())) : PyObj();
    if (!result) print_python_error();
}

void clear_native_files() {
    const PyObj module = native_module();
    if (!module) return;
    const PyObj result = steal(PyObject_CallMethod(module.ptr(), "_clear_task_files", nullptr));
    if (!result) print_python_error();
}

}  // namespace pythonfilter
