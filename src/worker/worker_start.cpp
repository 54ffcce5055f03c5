#include "worker/worker_start.h"

#include "base/process.h"
#include "worker/forked_child.h"
#include "worker/high_fd.h"
#include "worker/interpreter.h"
#include "worker/python_error.h"
#include "worker/scoreboard_writer.h"
#include "worker/worker_loop.h"

#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

namespace pythonfilter {
namespace {

// fd 0 is nothing, 1 and 2 are the worker's own pipe: whoever writes there is labelled with worker and message.
void set_standard_fds(UniqueFd error) {
    const UniqueFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
    dup2(null.get(), STDIN_FILENO);
    dup2(error.get(), STDOUT_FILENO);
    dup2(error.get(), STDERR_FILENO);
}

// The master sends the signal right before it kills a worker that is stuck. The descriptor is open until the end.
bool register_traceback(int fd) {
    const PyObj module = steal(PyImport_ImportModule("faulthandler"));
    const PyObj function = module ? steal(PyObject_GetAttrString(module.ptr(), "register")) : PyObj();
    const PyObj arguments = steal(Py_BuildValue("(i)", traceback_signal()));
    const PyObj keywords =
        steal(Py_BuildValue("{s:i,s:O,s:O}", "file", fd, "all_threads", Py_True, "chain", Py_False));
    return function && arguments && keywords && steal(PyObject_Call(function.ptr(), arguments.ptr(), keywords.ptr()));
}

}  // namespace

void become_worker_process(pid_t zygote) {
    setpgid(0, 0);
    if (!set_parent_death_signal(SIGKILL, zygote)) _exit(0);
    become_subreaper();
    prctl(PR_SET_DUMPABLE, 1);  // the master counts our descriptors in /proc; the zygote was not dumpable
}

int live_as_worker(WorkerFds fds, std::vector<LoadedFilter>& filters, bool import_here) {
    FramePipe pipe(move_high(std::move(fds.task)), move_high(std::move(fds.verdict)));
    set_standard_fds(std::move(fds.error));
    auto scoreboard = ScoreboardWriter::map(fds.scoreboard.get());
    if (!scoreboard) {
        std::perror("worker: mmap of the scoreboard");
        return 1;
    }
    const UniqueFd traceback = move_high(open_traceback_place(fds.scoreboard.get()));
    fds.scoreboard.reset();
    guard_against_forks({pipe.task_fd(), pipe.verdict_fd(), traceback.get()}, scoreboard->page());
    if (!register_traceback(traceback.get())) print_python_error();
    return run_worker_loop(pipe, filters, *scoreboard, import_here);
}

}  // namespace pythonfilter
