// src/message: what is known about a message and what is decided about it: pure functions and plain structs, no I/O
// (but for control_file, which reads and appends the records of files that its caller has opened). Used by master,
// worker, ctl and the native extension; uses base and config's structs.
//
//   request.h         the request that Courier sends
//   reply.h           what a filter returned -> the reply that Courier gets; our own replies
//   sandbox_rules.h   a pool's sandbox with the preset's answers filled in
//   route.h           the chain compiled into stages, and which step comes next
//   frames.h          master <-> worker: task, ready, progress, outcome
//   frame_ring.h      their way through shared memory
//   zygote_protocol.h master <-> zygote: spec, fork, report
//   worker_libraries.h  the files of which a worker consists
//   settings_codec.h  settings in the bytes of a packet
//   scoreboard.h      the page that a worker writes and the master reads
//   removal.h         which recipients a filter took off a message
//   identity_digest.h which files a message consists of, out of what stat() says
//   header_split.h    the Message-ID of a message and where its body begins
//   server_status.h   what the server tells of itself, as values; server_status_codec.h makes JSON of it and back
//   human_text.h      numbers as a person reads them
//   metrics.h         the table of all metrics, and the text that a monitoring system reads
//   control_protocol.h  pythonfilterctl <-> master: request and answer, lines of JSON
//   control_commands.h  the table of all commands
//   json.h            the JSON library
//   task_file_calls.h which files a message has, from the worker to the native extension
//   control_texts.h   what was read of a message's control files
//   control_file.h    Courier's control files: one parser for server and API
#pragma once
