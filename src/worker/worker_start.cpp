#include "worker/worker_start.h"

#include "base/process.h"
#include "worker/forked_child.h"
#include "worker/high_fd.h"
#include "worker/interpreter.h"
#include "worker/python_error.h"
#include "worker/scoreboard_writer.h"
#include "worker/trace_handler.h"
#include "worker/worker_loop.h"

#include <csignal>
#include <cstdio>
#include <sys/prctl.h>
#include <unistd.h>

namespace pythonfilter {
namespace {

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

int live_as_worker(WorkerFds fds, std::vector<LoadedFilter>& filters, Sandbox& sandbox, PackageGuard& guard,
                   bool import_here, Duration slow_after, std::string temporary_directory) {
    auto scoreboard = ScoreboardWriter::map(fds.scoreboard.get());
    if (!scoreboard) {
        std::perror("worker: mmap of the scoreboard");
        return 1;
    }
    const UniqueFd traceback = move_out_of_reach(open_scoreboard(fds.scoreboard.get(), kTracebackOffset));
    const UniqueFd trace = move_out_of_reach(open_scoreboard(fds.scoreboard.get(), kTraceOffset));
    fds.scoreboard.reset();
    MasterLink master(scoreboard->tasks(), scoreboard->verdicts(), move_out_of_reach(std::move(fds.task)),
                      move_out_of_reach(std::move(fds.verdict)));
    // fd 0 is nothing, 1 and 2 are the worker's own pipe: whoever writes there is labelled with worker and message.
    const StandardFds standard(std::move(fds.error));
    guard_against_forks({master.task_fd(), master.verdict_fd(), traceback.get(), trace.get(), standard.error_fd()},
                        scoreboard->page());
    if (!register_traceback(traceback.get()) || !install_trace_handler(scoreboard->page(), trace.get()))
        print_python_error();
    TidyUp tidy_up(standard, guard, slow_after, std::move(temporary_directory));
    return run_worker_loop(master, filters, *scoreboard, tidy_up, sandbox, import_here);
}

}  // namespace pythonfilter
