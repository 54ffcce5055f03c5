#include "worker/forked_child.h"

#include "message/scoreboard.h"
#include "worker/interpreter.h"
#include "worker/python_error.h"
#include "worker/python_object.h"

#include <sys/mman.h>
#include <unistd.h>

namespace pythonfilter {
namespace {

struct Guarded {
    pid_t pid = 0;               // 0: not yet a worker
    const char* ours = nullptr;  // *ours is 1, in a forked child 0; null: this kernel cannot do that
    std::vector<int> descriptors;
    void* page = nullptr;
};
Guarded guarded;

PyObject* in_forked_child(PyObject*, PyObject*) {
    for (const int fd : guarded.descriptors) close(fd);
    guarded.descriptors.clear();
    // Private memory in its place: this child may still run into code that writes there.
    if (guarded.page) {
        mmap(guarded.page, kScoreboardMapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    }
    Py_RETURN_NONE;
}

// A page of which every fork() makes one of zeros for the child: to look there costs no system call.
const char* make_page_without_heirs() {
    const auto size = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    void* const page = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED || madvise(page, size, MADV_WIPEONFORK) != 0) return nullptr;
    *static_cast<char*>(page) = 1;
    mprotect(page, size, PROT_READ);
    return static_cast<const char*>(page);
}

PyMethodDef child_hook = {"_close_worker_pipes", in_forked_child, METH_NOARGS,
                          "Closes the worker's pipes after os.fork()."};

bool register_hook() {
    const PyObj os = steal(PyImport_ImportModule("os"));
    const PyObj function = steal(PyCFunction_New(&child_hook, nullptr));
    const PyObj nothing = steal(PyTuple_New(0));
    const PyObj keywords = function ? steal(Py_BuildValue("{s:O}", "after_in_child", function.ptr())) : PyObj();
    const PyObj method = os ? steal(PyObject_GetAttrString(os.ptr(), "register_at_fork")) : PyObj();
    return method && nothing && keywords && steal(PyObject_Call(method.ptr(), nothing.ptr(), keywords.ptr()));
}

// The status that sys.exit() in a script would give.
int pending_exit_status() {
    if (!PyErr_Occurred()) return 0;
    if (!PyErr_ExceptionMatches(PyExc_SystemExit)) {
        print_python_error();
        return 1;
    }
    const PythonError error = take_python_error();
    const PyObj code = error.value ? optional_attribute(error.value.ptr(), "code") : PyObj();
    PyErr_Clear();
    if (!code || code.is_none()) return 0;
    if (!PyLong_Check(code.ptr())) return 1;
    const long status = PyLong_AsLong(code.ptr());
    PyErr_Clear();
    return static_cast<int>(status & 0xFF);
}

}  // namespace

void guard_against_forks(std::vector<int> descriptors, void* page) {
    guarded = {getpid(), make_page_without_heirs(), std::move(descriptors), page};
    if (!register_hook()) print_python_error();
}

void leave_if_forked() {
    if (guarded.ours && *guarded.ours == 1) return;
    leave_if_another();
}

void leave_if_another() {
    if (guarded.pid == 0 || getpid() == guarded.pid) return;
    const int status = pending_exit_status();
    flush_output();
    _exit(status);
}

}  // namespace pythonfilter
