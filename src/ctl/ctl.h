// src/ctl: pythonfilterctl, the program for whoever looks after a server: it finds the control socket, says one
// command, and prints the answer for a person or as JSON. It decides nothing about mail and leaves no
// process behind.
//
//   command_line.h  the arguments as values, made from the table of commands in src/message
//   find_socket.h   which sockets may lead to the server
//   ask.h           one request and its answer, with a deadline
//   top.h           status again and again
//   doctor.h        what is wrong between Courier and the filters, and what mends it: finding.h is one such thing,
//                   enablefiltering.h and socket_checks.h look at what Courier looks at,
//                   service_checks.h at what systemd does
//   completion.h    what bash needs to complete commands
//   exit_status.h   what scripts can rely on
//   replace_file.h  a file that is written anew for other programs
//   print.h         answers as text; table.h puts them into columns, lines.h onto a screen
#pragma once
