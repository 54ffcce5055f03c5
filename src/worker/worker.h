// src/worker: pythonfilter-worker, the only process with Python: a library for Python's own program (preload.cpp says
// why). One zygote per pool and generation; it imports the pool's filters and forks workers, which run them. Only
// main.cpp is called from outside, by way of the master's fork and exec. Nothing here includes libev or src/master;
// Python's exceptions stop at the calls into Python.
//
//   preload.cpp          Python's program made ours
//   zygote.h             spec, imports, forks on command, reports
//   child_reaper.h       the zygote's workers and the orphans it inherits: who ended, who must be killed
//   report_queue.h       packets to the master, never blocking
//   process_snapshot.h   what an import must not leave open or running
//   interpreter.h        CPython's start and end, sys.path, output streams
//   python_object.h      owning a PyObject; strings between the two worlds
//   python_error.h       an exception made into text
//   settings_object.h    settings of the configuration as Python objects
//   filter_loader.h      import and init of one filter
//   worker_start.h       from fork() to the loop: descriptors and signals of a worker
//   worker_limits.h      what a worker may use
//   worker_loop.h        ready, then task after task
//   master_link.h        the worker's end of the way to the master and back
//   task_runner.h        one task: files, filters in order, outcome
//   run_cpu.h            the CPU time that one run of a filter takes
//   filter_chain.h       what a filter's result means for the message (pure)
//   native_files.h       tells the native extension which files the message has
//   task_files.h         the message's files, held open; their identity
//   message_digest.h     by which a message is known again
//   frame_limits.h       cuts what is too long for a frame
//   scoreboard_writer.h  the shared page, written without system calls
//   trace_handler.h      where the filter is that runs now, for a master that asks
//   high_fd.h            descriptors out of the way of filters
//   forked_child.h       a filter's own fork(): it must never answer
//   leftover_children.h  children that a message left behind
//   temporary_place.h    each worker's own TMPDIR
//   temporary_files.h    what filters leave in it
//   sandbox.h            what a worker's filters are kept from, prepared by the zygote, entered by the worker
//   sandbox_plan.h       rules and kernel -> what is asked of the kernel (pure)
//   sandbox_calls.h      the system calls that are denied (pure)
//   landlock_layer.h     asks Landlock
//   seccomp_filter.h     asks seccomp
//   tidy_up.h            what one message must not leave to the next: found, put back, told
//   look_policy.h        after which filter the full look is due (pure)
//   footprint.h          the values of what filters can change, and which differ (pure)
//   changing_calls.h     whether anything was called that changes the process or a descriptor
//   standard_fds.h       descriptors 0, 1 and 2
//   process_properties.h what of the process can be changed
//   signal_masks.h       which signals are ignored or caught
//   signal_properties.h  what of signals and timers can be changed
//   value_bytes.h        a value as the bytes that are compared
//   python_properties.h  what of the interpreter can be changed
//   package_guard.h      the functions of the courier package and the built-in ones
//   growth.h             what leaks, and who leaks it (pure)
//   suspects.h           the filters that ran since the last look (pure)
#pragma once
