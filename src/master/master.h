// src/master: the process that accepts, routes, watches and answers, and the guardian that stands in for it. Single
// thread, one libev loop, never blocks, never loads Python, never parses mail; every byte from a worker is hostile.
// Only main.cpp is called from outside.
//
// Entry and command line
//   command_line.h      the arguments as values; main.cpp reads them and decides what this process is
//   check_command.h     `pythonfilter check`: what is wrong with the configuration, or what it says
//   serve.h             the ways to serve: guardian, foreground, or a master that a guardian started
//   attach.h            what courierfilter starts where systemd runs the server
//   privileges.h        root becomes the mail user; the descriptors and the environment that are handed on
//
// Guardian, in courierfilter mode
//   guardian.h          holds the socket and stdin, restarts a dead master, stays when the configuration is bad
//   master_process.h    its child: born, told, heard and buried
//   succession.h        a guardian becomes its new program after an upgrade
//   held_socket.h       the listening socket that outlives masters
//   turn_away.h         451 for every client while nobody can filter
//   listen_socket.h     the socket's birth and end: bind, chmod, listen, link; in the foreground too
//   socket_keeper.h     puts the socket's path back when it vanishes; in the foreground too
//   orphans.h           what a dead child left running; also of the master for its zygotes
//
// Server and generations: which configuration is in force
//   run_master.h        run_master(): the master process from start to end
//   server.h            owns all parts below and connects them; signals, stdin, stop
//   service_manager.h   what systemd is told, and the socket that it keeps
//   service_watch.h     that the server is alive, and its numbers, for systemd
//   generations.h       start, reload, retry: a new generation is proved before the old one drains
//   generation.h        one configuration with its route and its pools
//   pool_place.h        the place of one pool in it, and the pools that follow each other there
//   handover.h          how exclusive pools, which may not live twice, go from one generation to the next
//   handover_policy.h   which step of that follows which event; pure
//   entrance.h          where messages wait meanwhile
//   canary.h            the message that a new generation must answer as expected first
//   reload_waiters.h    who asked for a reload and wants to hear how it ended; pure
//
// Path of a message. Each part reports upward through a callback that it got at construction, with a value:
// listener -> sessions -> router -> pool -> worker_slot, and the result back the same way.
//   listener.h          accepts as fast as clients come
//   sessions.h          the clients: read a request with a limit and a deadline, write one reply
//   router.h            every message in work: next stage, failure policy, the one answer
//   router_counters.h   what became of all messages
//   own_answer.h        what the server answers itself
//   message_log.h       what the log says of a message
//   poison_table.h      the messages that workers were lost with; pure
//   breaker.h           whether a filter that fails again and again is still given messages; pure
//   breakers.h          the breakers of a generation
//   filter_statistics.h  what each filter did, for whoever asks
//
// Pools and workers
//   task_ids.h          the numbers of tasks
//   job.h               one dispatch of a stage, and its result
//   pool_gauges.h       what all pools count together
//   job_queue.h         the jobs that wait for a worker
//   pool.h              the workers, and the jobs that wait; who gets which job
//   zygote_keeper.h     a pool has a zygote, and another when that one died
//   zygote_client.h     one zygote: start, fork requests, reports
//   worker_slot.h       one worker from the fork to the burial: frames, deadlines, kill
//   tasks_ahead.h       the jobs that a worker has been sent behind the one that it runs
//   ahead_policy.h      how many those may be; pure
//   worker_link.h       the way to a worker and back
//   worker_watch.h      looks at a worker while it runs a message
//   watch_policy.h      when to look, and what is too much; pure
//   fork_gate.h         where the worker and all below it wait for leave to start a process or a thread
//   live_trace.h        where the filter is that runs, of a worker that lives on
//   job_deadline.h      when a job's time is over and which filter is to blame; pure
//   traceback_wait.h    how long a worker may write its traceback before it is killed; pure
//   plausible.h         what a worker may say of a job; pure
//   scoreboard_view.h   what the worker says of itself in shared memory, read with suspicion
//   worker_numbers.h    the numbers of a pool's workers, and how soon each is given out again; pure
//   resize_policy.h     how many workers a pool should have now; pure
//   recycle_policy.h    when a worker has served long enough; pure
//   start_report.h      what went wrong while a pool started, each thing once
//   pool_history.h      what became of a pool's workers; pure
//   respawn_policy.h    how soon a dead child is started again; pure, for pools and for the guardian
//
// Control sockets: what pythonfilterctl asks
//   control.h           who may ask what, and who does it
//   request_clients.h   one request from each client, one answer back
//   control_socket.h    a socket's birth and end, and who is at the other end
//
// Status page, over HTTP
//   page_server.h       where it listens, who may ask, which path leads where
//   http_request.h      bytes from strangers -> request; pure
//   http_reply.h        what goes back, with all that is said for safety; pure
//   status_page.h       status_page.html with its parts filled in; pure
//   page_parts.h        what changes, as HTML; pure
//   page_plots.h        the plots in it, as SVG; pure
//   last_hour.h         what was seen in each of the last sixty minutes; pure
//
// Helpers
//   loop.h              libev in owning wrappers
//   line_reader.h       a child's stderr, line by line
//   reporter.h          how all of them reach the log
//   log_limit.h         how many lines one filter may put there; pure
//   log_pace.h          when what waits is written; pure
#pragma once
