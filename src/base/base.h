// src/base: descriptors, results, bytes, clocks and log lines. It knows nothing of mail, Python or libev; every
// other directory may use it, and it uses none of them.
//
//   result.h       Result<T>: a value, or an Error with a sentence for a person
//   unique_fd.h    UniqueFd: owns a descriptor (an int only lends one)
//   byte_buffer.h  ByteWriter and ByteReader: what a frame is made of and read with
//   clock.h        Clock: the monotonic time that all deadlines use
//   change_time.h  what a file's time of change proves
//   log.h          escaping and the log line; log_sink.h writes lines without ever blocking
//   log_format.h   its other forms, with fields; journal.h is a way to systemd's journal
//   process.h      the system calls about processes: pidfd, subreaper, death signal
//   process_tree.h a process and all that descends from it, as /proc tells
//   run_program.h  a program that answers on its standard output, such as courier-config
//   packet.h       SOCK_SEQPACKET packets with descriptors
//   unix_socket.h  Unix sockets by path
//   latency_histogram.h  how long something takes: mean and percentiles, in a fixed size
#pragma once
