// src/master: the process that accepts, routes, watches and answers, and the guardian that stands in for it. Single
// thread, one libev loop, never blocks, never loads Python, never parses mail; every byte from a worker is hostile.
// Only main.cpp is called from outside.
//
//   main.cpp            command line; decides what this process is: guardian, master, or a check of the configuration
//   guardian.h          courierfilter mode: holds the socket and stdin, restarts a dead master, answers 451 when nobody can
//   listen_socket.h     the socket's birth and end: bind, chmod, listen, rename
//   privileges.h        root becomes the mail user; the environment a filter can rely on
//   run_master.h        run_master(): the master process from start to end
//
// The flow of a message (each part reports upward through a callback that it got at construction, with a value):
//   listener -> session -> router -> pool -> worker_slot, and the result back the same way
#pragma once
